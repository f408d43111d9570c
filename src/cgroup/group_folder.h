// One folder of one hierarchy: its files written and read, its processes listed, itself removed. The parts that both
// cgroup versions share.
#pragma once

#include "base/file.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace bulkhead::cgroup {

// A refused value in words: "linux.resources.memory.limit: the kernel refuses 4096 for memory.limit_in_bytes: ...".
// MEMBER is without "linux.resources.".
Error refusal(Errno, std::string_view member, std::string_view value, std::string_view file);

// What a user gets where a hierarchy is not theirs to write: also "no such file", since folders may be hidden.
bool is_lack_of_permission(Errno);

// An open folder whose files take limits.
class GroupFolder {
public:
    GroupFolder() = default;
    explicit GroupFolder(FileView folder)
        : m_folder(folder)
    {
    }
    FileView folder() const { return m_folder; }
    // One open and one write, as cgroup files want it.
    SysResult<Unit> write(char const* file, std::string_view value) const { return write_existing_at(m_folder, file, value); }
    // The same with an error that names the member and the value.
    Result<Unit> set(char const* file, std::string_view value, std::string_view member) const;
    SysResult<std::string> read(char const* file) const; // without white space around it
    std::optional<std::uint64_t> number(char const* file) const; // "max" is the largest number
    bool has(char const* file) const;

private:
    FileView m_folder;
};

// Every process of the folder and of all folders below it, each once.
SysResult<std::vector<pid_t>> processes_below(FileView folder);
// The folders right below, by name. Costs one fstat where there are none.
SysResult<std::vector<std::string>> folders_in(FileView folder);
// Removes the folder NAME of PARENT and what is below it, deepest first; once, with no waiting. ENOENT is success.
SysResult<Unit> remove_folders(FileView parent, std::string const& name);

// "key value" lines: the number behind KEY.
std::optional<std::uint64_t> keyed_number(std::string_view text, std::string_view key);

} // namespace bulkhead::cgroup
