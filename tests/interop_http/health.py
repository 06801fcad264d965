"""gRPC's health service: "" serves, "sip" does not, "new" does not know yet, nothing else is known."""

import sys
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

file = descriptor_pb2.FileDescriptorProto(name="health.proto", package="grpc.health.v1", syntax="proto3")
request = file.message_type.add(name="HealthCheckRequest")
request.field.add(name="service", number=1, type=9, label=1)
response = file.message_type.add(name="HealthCheckResponse")
states = response.enum_type.add(name="ServingStatus")
for number, name in enumerate(["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"]):
    states.value.add(name=name, number=number)
response.field.add(
    name="status", number=1, type=14, label=1, type_name=".grpc.health.v1.HealthCheckResponse.ServingStatus"
)
pool = descriptor_pool.DescriptorPool()
pool.Add(file)
factory = message_factory.MessageFactory(pool)
Request = factory.GetPrototype(pool.FindMessageTypeByName("grpc.health.v1.HealthCheckRequest"))
Response = factory.GetPrototype(pool.FindMessageTypeByName("grpc.health.v1.HealthCheckResponse"))
STATES = {"": 1, "sip": 2, "new": 0}


def check(question, context):
    if question.service not in STATES:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return Response(status=STATES[question.service])


server = grpc.server(futures.ThreadPoolExecutor(2))
handler = grpc.unary_unary_rpc_method_handler(check, Request.FromString, Response.SerializeToString)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler}),))
address = sys.argv[1]
key, chain = (open(name, "rb").read() for name in ("good.key", "good.pem"))
server.add_insecure_port(f"{address}:23051")
server.add_secure_port(f"{address}:23052", grpc.ssl_server_credentials([(key, chain)]))
server.start()
server.wait_for_termination()
