"""What verifications of the ledger found; for staff."""

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.pagination import Pages
from payments_ledger.api.verification_serializers import VerificationQuerySerializer, VerificationSerializer
from payments_ledger.models import Verification
from payments_ledger.selectors.verifications import verifications


class VerificationListView(GenericAPIView[Verification]):
    """Verifications that have ended, newest first, each with its verdict and the first rows that differ."""

    permission_classes = [IsAdminUser]
    serializer_class = VerificationSerializer
    pagination_class = Pages

    @extend_schema(parameters=[VerificationQuerySerializer], responses=VerificationSerializer(many=True))
    def get(self, request: Request) -> Response:
        query = VerificationQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        page = self.paginate_queryset(verifications(**query.validated_data))
        return self.get_paginated_response(VerificationSerializer(page, many=True).data)
