// A folder that looks like a host: /proc/self and cgroup mounts as plain files, for tests without root.
#pragma once

#include "base/file.h"
#include "base/text.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace bulkhead::cgroup {

class FakeTree {
public:
    FakeTree()
    {
        auto pattern = std::filesystem::temp_directory_path().string() + "/bulkhead-cgroup-XXXXXX";
        m_root = ::mkdtemp(pattern.data());
    }
    FakeTree(FakeTree const&) = delete;
    FakeTree& operator=(FakeTree const&) = delete;
    ~FakeTree() { std::filesystem::remove_all(m_root); }

    std::string const& root() const { return m_root; }
    // Makes the folders above it, too.
    void file(std::string const& path, std::string_view text = "")
    {
        auto full = std::filesystem::path(m_root + path);
        std::filesystem::create_directories(full.parent_path());
        std::ofstream(full) << text;
    }
    void folder(std::string const& path) { std::filesystem::create_directories(m_root + path); }
    bool has(std::string const& path) const { return std::filesystem::exists(m_root + path); }
    std::string read(std::string const& path) const
    {
        auto text = read_file(m_root + path);
        return text.is_ok() ? std::string(trim(text.value())) : "(" + text.error().message + ")";
    }

private:
    std::string m_root;
};

} // namespace bulkhead::cgroup
