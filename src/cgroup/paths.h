// Where a container's folder is in a hierarchy: cleaned paths, opened beneath the mount and never through a symlink.
#pragma once

#include "base/file.h"

#include <string>
#include <string_view>

namespace bulkhead::cgroup {

// "a//b/./c/" is "a/b/c"; a leading slash stays. Refuses ".." and control characters. PLACE names the member in errors.
Result<std::string> clean_path(std::string_view path, std::string_view place);
// "/a" and "b" give "/a/b"; the root is "/".
std::string join_path(std::string_view parent, std::string_view child);
// "/a/b" gives "/a"; "/a" and "/" give "/".
std::string parent_path(std::string_view path);

// Opens PATH ("/a/b", clean) below FOLDER; fails with ELOOP on a symlink and with EXDEV on what leads out.
SysResult<File> open_beneath(FileView folder, std::string const& path, int flags);

enum class Made { here, existed };
// Makes the last folder of PATH below MOUNT and, where missing, its parents.
SysResult<Made> make_folders(FileView mount, std::string const& path);

} // namespace bulkhead::cgroup
