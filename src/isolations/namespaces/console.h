// Terminals: the console socket of the engine, and the controlling terminal of a new process.
#pragma once

#include "base/file.h"
#include "oci/config.h"

#include <string>

namespace bulkhead::namespaces {

// Connects to the socket that receives the terminal's master.
Result<File> connect_console(std::string const& path);
// One byte message with the master's descriptor (SCM_RIGHTS), as runc's console sockets expect it.
Result<Unit> send_terminal(FileView console, FileView master);
Result<Unit> set_terminal_size(FileView terminal, oci::ConsoleSize const&);
// SLAVE becomes descriptors 0, 1 and 2 and the controlling terminal of the calling session leader.
Result<Unit> become_controlling_terminal(FileView slave);

// Standard descriptors that are /dev/null of the host become the /dev/null of the root that the caller is in: else the
// container could change mode and owner of the host's, and criu could not find the file again. Leaves them where the root has
// no genuine one.
void take_null_of_this_root();

struct TerminalPair {
    File master;
    File slave;
};
// For exec: a new pair from the devpts at /dev/pts, in the mount namespace that the caller is in; owned by UID. Refuses
// what is not a devpts: the image may have put anything there.
Result<TerminalPair> open_terminal_inside(std::uint32_t uid);

} // namespace bulkhead::namespaces
