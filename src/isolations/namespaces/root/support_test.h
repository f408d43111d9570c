// For this module's tests: a temporary bundle, and code run in namespaces of its own in a child process.
#pragma once

#include "host/process.h"
#include "host/user_namespace.h"
#include "isolations/namespaces/root/root_file_system.h"

#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <sched.h>

namespace bulkhead::root::tests {

constexpr std::uint64_t usual_namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;

// A folder with a root file system in it, gone at the end.
class Bundle {
public:
    Bundle();
    Bundle(Bundle const&) = delete;
    Bundle& operator=(Bundle const&) = delete;
    ~Bundle();

    std::string path(std::string const& below = "") const { return m_path + below; }
    std::string root(std::string const& below = "") const { return m_path + "/rootfs" + below; }
    void folder(std::string const& path, mode_t mode = 0755) const;
    void file(std::string const& path, std::string const& text = "") const;
    void link(std::string const& target, std::string const& path) const;
    void give_to(std::uint32_t id) const; // the whole bundle, to uid and gid ID

    oci::Config config;
    oci::Mount& mount(std::string destination, std::string type, std::vector<std::string> options = {}, std::string source = "");
    RootPlan plan() const;

private:
    std::string m_path;
};

// proc, /dev, /dev/pts, /sys, /dev/mqueue, /dev/shm and the masked and read-only paths, as Docker writes them.
void add_docker_defaults(Bundle&);

// Runs BODY in a child in new namespaces. What it returns (empty: all well) comes back.
std::string run_in_namespaces(std::function<std::string()> const& body, std::uint64_t flags = usual_namespaces, host::IdMaps const& maps = {});
// Builds, protects and enters the root, then runs CHECK inside; prepare_sources() runs before, outside.
std::string run_in_root(Bundle&, std::function<std::string()> const& check, std::uint64_t flags = usual_namespaces, host::IdMaps const& maps = {});

std::string text_of(std::string const& path); // "error: ..." when it cannot be read

} // namespace bulkhead::root::tests

// Inside of a body: leaves with the condition's text.
#define DEMAND(condition)                                                                                                                            \
    do {                                                                                                                                             \
        if (!(condition))                                                                                                                            \
            return std::string(__FILE__) + ":" + std::to_string(__LINE__) + ": " + #condition + " (" + std::strerror(errno) + ")";                   \
    } while (false)

#define SKIP_UNLESS_ROOT()                                                                                                                           \
    do {                                                                                                                                             \
        if (::geteuid() != 0)                                                                                                                        \
            GTEST_SKIP() << "not root: mounts cannot be tried";                                                                                      \
    } while (false)
