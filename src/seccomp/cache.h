// Compiled filters kept by content, so that starting a container does not compile its profile again.
#pragma once

#include "base/result.h"
#include "base/sha256.h"
#include "oci/config.h"
#include "seccomp/program.h"

#include <string>

namespace bulkhead::seccomp {

// The filter from FOLDER/seccomp/HASH.bpf, else compiled and left there. A file that is damaged, belongs to
// somebody else or is open to others is never used, but replaced. A cache that cannot be written costs time only.
Result<Program> compile_cached(oci::Seccomp const&, std::string const& folder);

// Of everything that decides the filter: the profile without its listener, Bulkhead, libseccomp, kernel, architecture.
Sha256::Digest cache_key(oci::Seccomp const&);

constexpr std::size_t max_cached_programs = 64; // the oldest make room

} // namespace bulkhead::seccomp
