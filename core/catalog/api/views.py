"""The catalogue, readable without signing in."""

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.permissions import AllowAny

from core.api.pagination import Pages
from core.catalog.api.serializers import ProductSerializer
from core.catalog.models import Product
from core.catalog.selectors.products import products_on_sale


class ProductListView(ListAPIView[Product]):
    """Products on sale, newest first."""

    permission_classes = [AllowAny]
    authentication_classes = []
    serializer_class = ProductSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Product]:
        return products_on_sale()


class ProductView(RetrieveAPIView[Product]):
    """One product."""

    permission_classes = [AllowAny]
    authentication_classes = []
    serializer_class = ProductSerializer

    def get_queryset(self) -> QuerySet[Product]:
        return products_on_sale()
