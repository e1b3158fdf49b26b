from django.contrib import admin

from core.accounts.models import User
from core.admin import ReadOnlyAdmin


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ["email", "country", "is_staff", "is_guest", "created_at"]
    search_fields = ["email"]
    exclude = ["password"]
