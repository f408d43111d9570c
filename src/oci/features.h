// The document that `features` prints (features.md and features-linux.md of the specification).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::oci {

// What the binary can do, as other modules know it; words are the specification's.
struct FeatureFacts {
    std::vector<std::string> mount_options;
    std::vector<std::string> namespaces;
    std::vector<std::string> capabilities;
    std::vector<std::string> seccomp_actions;
    std::vector<std::string> seccomp_operators;
    std::vector<std::string> seccomp_archs;
    std::vector<std::string> seccomp_known_flags;
    std::vector<std::string> seccomp_supported_flags;
    bool cgroup_v1 = true;
    bool cgroup_v2 = true;
    bool cgroup_systemd = true;
    bool cgroup_systemd_user = true;
    bool cgroup_rdma = true;
    bool apparmor = true;
    bool selinux = true;
    bool intel_rdt = false;
    bool idmapped_mounts = true;
    bool net_devices = true;
    std::vector<std::pair<std::string, std::string>> annotations; // e.g. dev.bulkhead.version
    // Annotations of config.json that change what the runtime does; one that ends in "." stands for all that begin so.
    std::vector<std::string> potentially_unsafe_annotations = { "bundle", "dev.bulkhead.", "org.criu.config", "org.systemd.property." };
};

// The facts that oci/ itself decides: namespaces, capabilities, and the words of seccomp that parse_config() accepts.
// The rest stands as FeatureFacts declares it.
FeatureFacts known_features();

// Lists that are empty are left out: absent means "not known", not "none".
std::string features_json(FeatureFacts const&, int indent);

} // namespace bulkhead::oci
