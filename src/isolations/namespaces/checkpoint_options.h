// What dump and restore have in common: the folders of images and work files, and criu_opts for the flags of both.
#pragma once

#include "base/file.h"
#include "isolation/isolation.h"
#include "isolations/namespaces/checkpoint_criu.h"
#include "isolations/namespaces/checkpoint_wire.h"

#include <string>
#include <vector>

namespace bulkhead::namespaces {

// Numbers of criu_opts in criu's rpc.proto.
namespace criu_option {
constexpr std::uint32_t images_dir_fd = 1, pid = 2, leave_running = 3, ext_unix_sk = 4, tcp_established = 5, evasive_devices = 6, shell_job = 7,
                        file_locks = 8, log_level = 9, log_file = 10, page_server = 11, notify_scripts = 12, root = 13, parent_img = 14,
                        track_mem = 15, auto_dedup = 16, work_dir_fd = 17, link_remap = 18, ext_mnt = 23, manage_cgroups = 24, cg_root = 25,
                        rst_sibling = 26, inherit_fd = 27, manage_cgroups_mode = 34, external = 37, empty_ns = 38, join_ns = 39, freeze_cgroup = 44,
                        tcp_skip_in_flight = 46, lazy_pages = 48, orphan_pts_master = 50, config_file = 51, lsm_profile = 53, lsm_mount_context = 63;
}

// Files of ours beside criu's images.
constexpr char const* descriptors_file = "descriptors.json"; // standard descriptors by name, as runc writes them
constexpr char const* mounts_file = "external-mounts.json"; // names of the mounts from outside

// Opened by criu's process in its own mount namespace, and so the first that are passed to it.
constexpr int criu_images = criu_first_passed;
constexpr int criu_work = criu_first_passed + 1;
Result<std::vector<File>> open_folders(isolation::CheckpointOptions const&);

// Makes the work folder. The folder of images is made for a dump, and must be there for a restore.
enum class Images { make, exist };
Result<Unit> make_folders(isolation::CheckpointOptions const&, Images);
std::string work_folder(isolation::CheckpointOptions const&);

// LOG is the name of criu's log in the work folder.
Result<WireWriter> common_options(isolation::CheckpointOptions const&, oci::Config const&, std::string const& log);

// "extRootNetNS": how criu is told of a namespace that the container joined by path.
std::string joined_namespace_key(oci::NamespaceType);

WireWriter pair_of_texts(std::string_view first, std::string_view second);

} // namespace bulkhead::namespaces
