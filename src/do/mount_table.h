// The mounts of this host, for showing them in a private root. proc(5), /proc/PID/mountinfo.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::do_command {

struct MountEntry {
    std::string path;
    std::string type; // "ext4"
};

std::vector<MountEntry> parse_mount_table(std::string_view mountinfo);

// Kernel interfaces and automounters: nothing that a program could want to read as files of its own.
bool is_pseudo_file_system(std::string_view type);
// Below places that a private root replaces (/proc, /sys, /dev, /run, /tmp), or that hold other containers' roots.
bool is_replaced(std::string_view path);
// Strictly below.
bool is_below(std::string_view path, std::string_view folder);

// Those to be shown beside the root: parents first, each path once, the topmost mount counts.
std::vector<MountEntry> mounts_to_show(std::vector<MountEntry> const& all);

} // namespace bulkhead::do_command
