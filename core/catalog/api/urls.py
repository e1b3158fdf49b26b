from django.urls import path

from core.catalog.api import views

urlpatterns = [
    path("products", views.ProductListView.as_view(), name="products"),
    path("products/<uuid:pk>", views.ProductView.as_view(), name="product"),
]
