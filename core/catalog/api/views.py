"""The catalogue, readable without signing in."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.permissions import AllowAny

from core.api.pagination import Pages
from core.catalog.api.serializers import ProductQuerySerializer, ProductSerializer
from core.catalog.models import Product
from core.catalog.selectors.products import products_on_sale


@extend_schema_view(get=extend_schema(parameters=[ProductQuerySerializer]))
class ProductListView(ListAPIView[Product]):
    """Products on sale, newest first."""

    permission_classes = [AllowAny]
    authentication_classes = []
    serializer_class = ProductSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Product]:
        query = ProductQuerySerializer(data=self.request.query_params.dict())
        query.is_valid(raise_exception=True)
        return products_on_sale(available_only=query.validated_data["available"])


class ProductView(RetrieveAPIView[Product]):
    """One product."""

    permission_classes = [AllowAny]
    authentication_classes = []
    serializer_class = ProductSerializer

    def get_queryset(self) -> QuerySet[Product]:
        return products_on_sale()
