// "tmpcopyup": what the image has where a tmpfs goes appears in the tmpfs.
#pragma once

#include "base/file.h"

namespace bulkhead::root {

// Copies everything in FROM, a hostile folder, into the empty folder TO: folders, files, symlinks and nodes, with owners,
// modes, times and extended attributes. TO itself gets the owner and attributes of FROM, not its mode.
SysResult<Unit> copy_up(FileView from, FileView to);

} // namespace bulkhead::root
