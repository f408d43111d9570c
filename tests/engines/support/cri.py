"""A CRI client small enough to read: the few calls and fields that the tests use, encoded by hand.

Field numbers are those of Kubernetes' `runtime.v1` API. Only the gRPC transport comes from a package (python3-grpcio).
"""
import contextlib

from support.harness import Failed, Skip

LINUX_NAMESPACE_POD, LINUX_NAMESPACE_NODE = 0, 2


def encode(fields):
    """{number: int | str | bytes | dict | [several]} as a protobuf message."""
    out = b""
    for number, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, int):
                out += _varint(number << 3) + _varint(one)
            else:
                content = encode(one) if isinstance(one, dict) else one.encode() if isinstance(one, str) else one
                out += _varint(number << 3 | 2) + _varint(len(content)) + content
    return out


def decode(data):
    """A message as {number: [raw values]}; inner messages stay bytes until decoded."""
    fields, at = {}, 0
    while at < len(data):
        key, at = _read_varint(data, at)
        if key & 7 == 0:
            value, at = _read_varint(data, at)
        elif key & 7 == 2:
            size, at = _read_varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            size = {1: 8, 5: 4}[key & 7]
            value, at = data[at:at + size], at + size
        fields.setdefault(key >> 3, []).append(value)
    return fields


def _varint(number):
    out = b""
    number &= (1 << 64) - 1
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def _read_varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return number, at


class Cri:
    """One connection; `pod` and `container` give ids."""

    def __init__(self, socket, folder):
        try:
            import grpc
        except ImportError:
            raise Skip("the CRI tests need Debian's python3-grpcio")
        self.grpc, self.channel, self.folder, self.sandboxes = grpc, grpc.insecure_channel(f"unix://{socket}"), folder, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def call(self, method, request):
        plain = lambda data: data
        unary = self.channel.unary_unary(f"/runtime.v1.RuntimeService/{method}", request_serializer=plain, response_deserializer=plain)
        try:
            return decode(unary(encode(request), timeout=60))
        except self.grpc.RpcError as problem:
            raise Failed(f"CRI {method}: {problem.code().name}: {problem.details()}")

    @contextlib.contextmanager
    def pod(self, name, host_network=True):
        """PodSandboxConfig: metadata 1, hostname 2, log_directory 3, linux 8."""
        network = LINUX_NAMESPACE_NODE if host_network else LINUX_NAMESPACE_POD
        config = {1: {1: name, 2: f"uid-{name}", 3: "default", 4: 0}, 3: self.folder,
                  8: {1: f"/engine-test-cri/{name}", 2: {1: {1: network, 2: LINUX_NAMESPACE_POD, 3: LINUX_NAMESPACE_POD}}}}
        if not host_network:
            config[2] = name
        pod = self.call("RunPodSandbox", {1: config})[1][0].decode()
        self.sandboxes[pod] = config
        try:
            yield pod
        finally:
            self.call("StopPodSandbox", {1: pod})
            self.call("RemovePodSandbox", {1: pod})

    def container(self, pod, name, image, command, memory=0):
        """ContainerConfig: metadata 1, image 2, command 3, log_path 11, linux 15 (resources 1: memory limit 4)."""
        config = {1: {1: name, 2: 0}, 2: {1: image}, 3: command, 11: f"{name}.log", 15: {1: {4: memory}}}
        created = self.call("CreateContainer", {1: pod, 2: config, 3: self.sandboxes[pod]})[1][0].decode()
        self.call("StartContainer", {1: created})
        return created

    def exec(self, container, command):
        """ExecSync; returns (exit status, standard output, standard error)."""
        reply = self.call("ExecSync", {1: container, 2: command, 3: 20})
        text = lambda number: reply.get(number, [b""])[0].decode()
        return reply.get(3, [0])[0], text(1), text(2)

    def stop(self, container, seconds):
        self.call("StopContainer", {1: container, 2: seconds})

    def update_memory(self, container, limit):
        self.call("UpdateContainerResources", {1: container, 2: {4: limit}})

    def exit_code(self, container):
        return self._status(container).get(7, [0])[0]

    def reason(self, container):
        return self._status(container).get(10, [b""])[0].decode()

    def _status(self, container):
        return decode(self.call("ContainerStatus", {1: container})[1][0])

    def pid(self, container):
        """From the verbose status, which is JSON in a map."""
        import json
        for entry in self.call("ContainerStatus", {1: container, 2: 1})[2]:
            fields = decode(entry)
            if fields[1][0] == b"info":
                return json.loads(fields[2][0])["pid"]
        raise Failed("the verbose status tells no pid")

    def pod_address(self, pod):
        """PodSandboxStatus: network 5, ip 1."""
        status = decode(self.call("PodSandboxStatus", {1: pod})[1][0])
        return decode(status[5][0]).get(1, [b""])[0].decode()

    def log(self, name):
        with open(f"{self.folder}/{name}.log") as file:
            return file.read()
