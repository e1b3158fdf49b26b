"""A function that makes a statement fail so that its transaction is run again. Reversible; the previous release does
not know it."""

from django.db import migrations

CREATE = """
CREATE FUNCTION core_run_again() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was read is no longer so' USING ERRCODE = 'serialization_failure';
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_checkout")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION core_run_again()")]
