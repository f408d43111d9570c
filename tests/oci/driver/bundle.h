// A bundle under test: a root file system with the guest program and busybox, and a config.json that a test changes before use.
#pragma once

#include "driver/json.h"

#include <initializer_list>
#include <string>
#include <vector>

namespace conformance {

class Bundle {
public:
    // Makes the folder and the root file system; `program` and `busybox` are linked (or copied) into it.
    Bundle(std::string folder, std::string const& program, std::string const& busybox, std::string const& cgroup);

    Json config;

    std::string const& folder() const { return m_folder; }
    std::string root() const { return m_folder + "/rootfs"; }
    std::string in_root(std::string const& path) const { return root() + path; }
    // What the guest does: probes of tests/oci/guest.
    void probes(std::vector<std::string> const& list);
    void add_mount(std::string const& destination, std::string const& type, std::string const& source, std::vector<std::string> const& options);
    void add_hook(std::string const& kind, std::string const& path, std::vector<std::string> const& arguments, Json extra = Json::object());
    // Adds or replaces the namespace of this type.
    void set_namespace(std::string const& type, std::string const& path = "");
    void remove_namespace(std::string const& type);
    Json* find_mount(std::string const& destination);
    void drop_mount(std::string const& destination);
    // New user namespace with one range each, and a root file system that belongs to it.
    void map_users(unsigned host_first, unsigned count);
    bool save() const;

private:
    std::string m_folder;
};

Json default_capabilities();

} // namespace conformance
