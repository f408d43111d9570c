// Paths below a root whose contents are hostile: nothing found here ever lies outside the root, whatever symlinks, `..`
// and concurrent renames do, and no magic link of procfs is followed. openat2(2) does the work; where it is absent, or
// where something has to be made on the way, the walk is done by hand, one component at a time.
#pragma once

#include "base/file.h"

#include <string>
#include <string_view>

namespace bulkhead::host {

enum class Links {
    follow, // resolved as if the root were "/"
    follow_but_last, // the last component is opened itself, also when it is a symlink
    refuse, // any symlink on the way: Errno::loop
};

struct WalkOptions {
    Links links = Links::follow;
    bool stay_on_mount = false; // crossing into another mount: Errno::xdev
};

// An O_PATH descriptor of PATH. Absolute and relative paths both start at ROOT.
SysResult<File> find_in_root(FileView root, std::string const& path, WalkOptions = {});
// The same, opened for use with FLAGS (O_RDWR, O_WRONLY...); never creates.
SysResult<File> open_in_root(FileView root, std::string const& path, int flags, WalkOptions = {});

enum class Make { directory, file };
// Finds PATH, and makes what is missing: folders on the way (0755), last a folder or an empty file. A dangling symlink
// has its target made, inside the root. What exists is returned whatever its kind.
SysResult<File> make_in_root(FileView root, std::string const& path, Make, WalkOptions = {});

// Lexical: no empty parts, no ".", ".." taken back (never above "/"). Always absolute.
std::string clean_path(std::string_view path);

} // namespace bulkhead::host
