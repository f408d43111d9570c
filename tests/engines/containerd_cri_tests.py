"""containerd's CRI, as kubelet calls it: pods and their containers, over the gRPC socket."""
import os
import time

from support.cri import Cri
from support.harness import eventually, expect, expect_equal, expect_in, test
from support.host_view import cgroup_value, namespace

MIB = 1 << 20


@test
def cri_runs_a_pod_with_two_containers_in_shared_namespaces(containerd):
    with Cri(containerd.socket, containerd.folder()) as cri, cri.pod("shared") as pod:
        one = cri.container(pod, "one", containerd.tiny, ["sh", "-c", "exec sleep 4242"])
        two = cri.container(pod, "two", containerd.tiny, ["sleep", "infinity"])
        for kind in ("net", "ipc", "uts"):
            expect_equal(namespace(cri.pid(two), kind), namespace(cri.pid(one), kind), kind)
        expect(namespace(cri.pid(two), "mnt") != namespace(cri.pid(one), "mnt"), "the mounts are shared, too")
        status, out, _ = cri.exec(two, ["sh", "-c", "echo out; exit 4"])
        expect_equal((status, out), (4, "out\n"))


@test
def cri_stops_a_container_and_keeps_its_log_and_status(containerd):
    with Cri(containerd.socket, containerd.folder()) as cri, cri.pod("stopping") as pod:
        name = cri.container(pod, "one", containerd.tiny, ["sh", "-c", "echo hello; trap 'exit 6' TERM; while :; do sleep 0.1; done"])
        eventually(lambda: "hello" in cri.log("one"), "the log is written")
        cri.stop(name, 10)
        expect_equal(cri.exit_code(name), 6)


@test
def cri_limits_memory_and_reports_the_oom_kill(containerd):
    with Cri(containerd.socket, containerd.folder()) as cri, cri.pod("limited") as pod:
        name = cri.container(pod, "one", containerd.tiny, ["sleep", "infinity"], memory=48 * MIB)
        expect_equal(cgroup_value(cri.pid(name), "memory.max"), str(48 * MIB))
        cri.update_memory(name, 64 * MIB)
        expect_equal(cgroup_value(cri.pid(name), "memory.max"), str(64 * MIB))
        hungry = cri.container(pod, "hungry", containerd.tiny, ["tail", "/dev/zero"], memory=32 * MIB)
        eventually(lambda: cri.exit_code(hungry) == 137, "it was killed")
        eventually(lambda: cri.reason(hungry) == "OOMKilled", "the reason is told")


@test
def cri_gives_a_pod_an_address(containerd):
    if not os.path.exists("/usr/lib/cni/bridge"):
        from support.harness import Skip
        raise Skip("no CNI plugins (Debian: containernetworking-plugins)")
    with Cri(containerd.socket, containerd.folder()) as cri, cri.pod("networked", host_network=False) as pod:
        name = cri.container(pod, "one", containerd.tiny, ["sleep", "infinity"])
        expect_in("10.77.", cri.pod_address(pod))
        expect(namespace(cri.pid(name), "net") != namespace("self", "net"), "the pod is in the host's network")
