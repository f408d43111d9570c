// Changes to the host's files: collected, told, and done; each file whole or not at all.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::install {

class Changes {
public:
    explicit Changes(bool only_say)
        : m_only_say(only_say)
    {
    }
    // A file that is not there reads as an empty text.
    static Result<std::string> read_or_empty(std::string const& path);

    // With a copy of the old text beside it (PATH.before-bulkhead), if there is none yet. Nothing when it is the same.
    Result<Unit> write(std::string const& path, std::string_view text, mode_t mode = 0644);
    Result<Unit> copy_program(std::string const& from, std::string const& to);
    Result<Unit> link(std::string const& path, std::string const& target);
    Result<Unit> remove(std::string const& path);
    void say(std::string line) { m_done.push_back(std::move(line)); }
    std::vector<std::string> const& done() const { return m_done; }

    static std::string backup_of(std::string const& path) { return path + ".before-bulkhead"; }

private:
    Result<Unit> write_atomically(std::string const& path, std::string_view text, mode_t mode) const;
    void did(std::string_view what, std::string const& path);

    bool m_only_say;
    std::vector<std::string> m_done;
};

} // namespace bulkhead::install
