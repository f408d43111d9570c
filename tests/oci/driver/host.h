// What this host offers: control groups, capabilities, security modules. Tests skip by these facts, aloud.
#pragma once

#include "driver/json.h"

#include <map>
#include <string>
#include <vector>

namespace conformance {

struct Hierarchy {
    std::string mount_point;
    bool unified = false;
    std::vector<std::string> controllers; // v2: those in cgroup.controllers
};

std::vector<Hierarchy> cgroup_hierarchies();
// The hierarchy that has this controller, or nothing.
Hierarchy const* find_hierarchy(std::vector<Hierarchy> const& all, std::string const& controller);
// The folder of a process in the hierarchy of a controller; empty when the host lacks the controller.
std::string cgroup_folder(int pid, std::string const& controller);
// Every cgroup folder whose name contains this text, anywhere.
std::vector<std::string> cgroups_named(std::string const& part);
void remove_cgroups_named(std::string const& part);

bool has_capability(int number);
bool has_apparmor();
bool has_selinux();
bool has_mount(std::string const& type);
std::vector<int> children_of(int pid);
bool process_exists(int pid);
long inode_of(std::string const& path);
// {"pid": inode, ...} of a process
std::map<std::string, long> namespaces_of(std::string const& process);

} // namespace conformance
