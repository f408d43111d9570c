// linux.seccomp to a filter for the kernel, by libseccomp.
#pragma once

#include "base/result.h"
#include "oci/config.h"
#include "seccomp/program.h"

namespace bulkhead::seccomp {

// Takes some 15 milliseconds for the default profile of an engine: see cache.h.
Result<Program> compile(oci::Seccomp const&);

// The rules about the listener, which do not depend on the compiled filter: adds path and metadata.
Result<Program> with_listener(Program, oci::Seccomp const&);

} // namespace bulkhead::seccomp
