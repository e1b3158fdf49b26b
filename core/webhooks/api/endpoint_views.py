"""Merchants' endpoints and what was sent to them; all for staff."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.declarations import refuses
from core.api.pagination import Pages
from core.db.transactions import atomically
from core.webhooks.api.serializers import (
    DeliveryQuerySerializer,
    DeliverySerializer,
    DeliveryWithLogSerializer,
    EndpointChangeSerializer,
    EndpointRequestSerializer,
    EndpointSerializer,
    NewEndpointSerializer,
)
from core.webhooks.errors import DeliveryCanceled, EndpointUrlRefused
from core.webhooks.models import WebhookDelivery, WebhookEndpoint
from core.webhooks.selectors import endpoints as selected
from core.webhooks.services import deliveries, endpoints


class EndpointListView(GenericAPIView[WebhookEndpoint]):
    """Endpoints; a POST makes one and answers with its secret, once."""

    permission_classes = [IsAdminUser]
    serializer_class = EndpointSerializer
    pagination_class = Pages

    @extend_schema(responses=EndpointSerializer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(selected.endpoints())
        return self.get_paginated_response(EndpointSerializer(page, many=True).data)

    @refuses(EndpointUrlRefused)
    @extend_schema(request=EndpointRequestSerializer, responses={201: NewEndpointSerializer})
    def post(self, request: Request) -> Response:
        data = EndpointRequestSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        endpoint = atomically(lambda: endpoints.create(**data.validated_data))
        return Response(NewEndpointSerializer(endpoint).data, status=201)


class EndpointView(APIView):
    """One endpoint. DELETE tells it of nothing more and keeps what it was told."""

    permission_classes = [IsAdminUser]

    @extend_schema(responses=EndpointSerializer)
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        return Response(EndpointSerializer(selected.endpoint_by_id(endpoint_id)).data)

    @extend_schema(request=EndpointChangeSerializer, responses=EndpointSerializer)
    def patch(self, request: Request, endpoint_id: UUID) -> Response:
        data = EndpointChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        given = data.validated_data
        endpoint = atomically(
            lambda: endpoints.change(
                endpoint_id=endpoint_id, is_enabled=given.get("is_enabled"), event_types=given.get("event_types")
            )
        )
        return Response(EndpointSerializer(endpoint).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, endpoint_id: UUID) -> Response:
        atomically(lambda: endpoints.delete(endpoint_id=endpoint_id))
        return Response(status=204)


class DeliveryListView(GenericAPIView[WebhookDelivery]):
    """What was and is to be sent, newest first."""

    permission_classes = [IsAdminUser]
    serializer_class = DeliverySerializer
    pagination_class = Pages

    @extend_schema(parameters=[DeliveryQuerySerializer], responses=DeliverySerializer(many=True))
    def get(self, request: Request) -> Response:
        query = DeliveryQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        page = self.paginate_queryset(selected.deliveries(**query.validated_data))
        return self.get_paginated_response(DeliverySerializer(page, many=True).data)


class DeliveryView(APIView):
    """One delivery with its body and every attempt."""

    permission_classes = [IsAdminUser]

    @extend_schema(responses=DeliveryWithLogSerializer)
    def get(self, request: Request, delivery_id: UUID) -> Response:
        return Response(DeliveryWithLogSerializer(selected.delivery_by_id(delivery_id)).data)


class ReplayView(APIView):
    """Send a delivery again, from the beginning of its schedule: the same body under the same event id."""

    permission_classes = [IsAdminUser]

    @refuses(DeliveryCanceled)
    @extend_schema(request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, delivery_id: UUID) -> Response:
        return Response(DeliverySerializer(deliveries.replay(delivery_id=delivery_id)).data, status=202)
