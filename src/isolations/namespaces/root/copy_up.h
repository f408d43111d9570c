// tmpcopyup: a tmpfs that starts with what the image has at its place.
#pragma once

#include "base/result.h"
#include "base/file.h"
#include "isolations/namespaces/root/mount_options.h"

#include <string>

namespace bulkhead::root {

// Copies the directory at PATH of ROOT into TREE: files, links, owners, modes, extended attributes, times. Nothing
// there is followed out of the root; devices and sockets are left out. Absent: nothing to copy.
Result<Unit> copy_up(FileView root, std::string const& path, FileView tree, MountOptions const&);

} // namespace bulkhead::root
