// The options of one mount of config.json, understood: what mount(8), the specification and existing runtimes write.
#pragma once

#include "base/result.h"
#include "oci/config.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::root {

struct Propagation {
    std::uint64_t kind = 0; // MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE
    bool whole_tree = false;
};

struct MountOptions {
    std::uint64_t set = 0; // MOUNT_ATTR_* of the mount itself
    std::uint64_t clear = 0; // taken away by words such as "rw" or "exec"
    std::uint64_t tree_set = 0; // the same for the mount and all below it ("rro", "rnosuid")
    std::uint64_t tree_clear = 0;
    std::vector<Propagation> propagation; // in the order written
    std::vector<std::string> superblock; // flags of the file system as fsconfig(2) names them: "sync", "lazytime"
    unsigned long superblock_flags = 0; // the same as MS_* for mount(2)
    std::vector<std::string> data; // everything else, for the file system: "size=64m"

    bool is_bind = false;
    bool is_recursive_bind = false;
    bool is_idmapped = false; // "idmap", "ridmap", or mappings in the mount
    bool is_idmapped_whole_tree = false;
    std::string idmap_text; // crun's "idmap=uids=0-1000-1;gids=0-1000-1"
    bool copies_up = false; // "tmpcopyup"
    bool remounts = false; // "remount": changes what is mounted there already
    bool copies_symlink = false; // "copy-symlink"
    bool source_not_followed = false; // "src-nofollow"
    bool destination_not_followed = false; // "dest-nofollow"

    bool is_read_only() const;
    bool has_data(std::string_view name) const; // "mode" for "mode=755"
    std::string joined_data() const;
};

// Words that contradict each other: the last one counts, as for mount(8).
Result<MountOptions> parse_mount_options(oci::Mount const&);

} // namespace bulkhead::root
