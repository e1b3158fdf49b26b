"""Where payment providers tell us what they decided."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.declarations import refuses
from core.api.parsing import RawJSONParser, strict_object
from core.webhooks.api.serializers import ProviderEventSerializer
from core.webhooks.domain.signatures import HEADER
from core.webhooks.errors import EventUnusable, SignatureInvalid, UnknownProvider
from core.webhooks.services import incoming
from core.webhooks.services.provider_effects import Notice

SIGNATURE = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    required=True,
    description='`t=<Unix seconds>,v1=<HMAC-SHA256 of "<t>.<raw body>", hexadecimal>`; several v1 are allowed.',
)


class ProviderWebhookView(APIView):
    """Events of a payment provider. 200 when the event is recorded, by this request or an earlier one."""

    # The signature is the authentication.
    authentication_classes = []
    permission_classes = [AllowAny]
    parser_classes = [RawJSONParser]

    @refuses(UnknownProvider, SignatureInvalid, EventUnusable)
    @extend_schema(request=ProviderEventSerializer, responses={200: None}, parameters=[SIGNATURE], auth=[])
    def post(self, request: Request, provider: str) -> Response:
        sent: object = request.data
        # For an empty body REST framework asks no parser and gives an empty form.
        body = sent if isinstance(sent, bytes) else b""
        incoming.verify(provider=provider, body=body, header=request.headers.get(HEADER, ""))
        event = ProviderEventSerializer(data=strict_object(body))
        event.is_valid(raise_exception=True)
        given = event.validated_data
        incoming.receive(
            Notice(
                provider=provider,
                event_id=given["id"],
                type=given["type"],
                created_at=given["created_at"],
                data=given["data"],
                body=body,
            )
        )
        return Response(status=200)
