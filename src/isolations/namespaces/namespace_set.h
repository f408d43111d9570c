// Which namespaces a container gets: made new, joined by path, or shared with the runtime. namespaces(7).
#pragma once

#include "base/file.h"
#include "oci/config.h"

#include <cstdint>
#include <vector>

namespace bulkhead::namespaces {

struct NamespaceSet {
    struct Joined {
        oci::NamespaceType type;
        File file;
    };
    std::uint64_t new_flags = 0; // CLONE_NEW...
    std::vector<Joined> joined;

    bool is_new(oci::NamespaceType) const;
    Joined const* find_joined(oci::NamespaceType) const;
    // New or joined: not the runtime's own.
    bool is_own(oci::NamespaceType type) const { return is_new(type) || find_joined(type); }
    // A pid, user or time namespace that is joined, or a new time namespace, takes effect for children only or must come
    // before the others are made: the launch goes through a second process.
    bool needs_two_stages() const;
};

// Opens what is joined by path and checks that each path is a namespace of its type.
Result<NamespaceSet> open_namespaces(oci::Config const&);

// "CLONE_NEWNET" of a type.
std::uint64_t namespace_flag(oci::NamespaceType);

// setns(2) into those joined namespaces whose flag is in FLAGS.
Result<Unit> join(NamespaceSet const&, std::uint64_t flags);

// Writes /proc/self/timens_offsets; for a process that has unshared its children's time namespace.
Result<Unit> write_time_offsets(std::map<std::string, oci::TimeOffset> const&);

} // namespace bulkhead::namespaces
