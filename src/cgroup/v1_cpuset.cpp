// cpuset on cgroup v1: a new group has no CPUs and no memory nodes, and nobody can enter it before it has.
#include "base/text.h"
#include "cgroup/paths.h"
#include "cgroup/v1.h"

namespace bulkhead::cgroup {

namespace {

// What the cpuset group of PATH has in FILE; an empty one is first filled from its own parent.
Result<std::string> filled_value(FileView mount, std::string const& path, char const* file)
{
    auto folder = open_beneath(mount, path, O_PATH | O_DIRECTORY);
    if (folder.is_error())
        return Error::from_errno(folder.error(), "open the cpuset group " + quoted(path));
    GroupFolder group(folder.value());
    auto value = group.read(file);
    if (value.is_error())
        return Error::from_errno(value.error(), "read " + std::string(file) + " of the group " + quoted(path));
    if (!value.value().empty() || path == "/")
        return value.release_value();
    auto from_parent = TRY(filled_value(mount, parent_path(path), file));
    auto written = group.write(file, from_parent);
    if (written.is_error())
        return Error::from_errno(written.error(), "give the group " + quoted(path) + " its parent's " + file);
    return from_parent;
}

} // namespace

Result<Unit> V1Cgroup::inherit_cpuset()
{
    return set_cpuset(nullptr);
}

Result<Unit> V1Cgroup::set_cpuset(oci::CpuResources const* cpu)
{
    bool wants_any = cpu && (!cpu->cpus.empty() || !cpu->mems.empty());
    if (!m_cpuset_is_empty && !wants_any)
        return ok();
    auto folder = TRY(folder_of("cpuset", cpu && cpu->cpus.empty() ? "cpu.mems" : "cpu.cpus"));
    auto const& group = *group_of("cpuset");
    File mount;
    if (m_cpuset_is_empty) {
        auto opened = open_at(FileView::current_directory(), group.mount_point, O_PATH | O_DIRECTORY);
        if (opened.is_error())
            return Error::from_errno(opened.error(), "open " + quoted(group.mount_point));
        mount = opened.release_value();
    }
    auto settle = [&](char const* file, std::string_view wanted, char const* member) -> Result<Unit> {
        std::string value(wanted);
        if (m_cpuset_is_empty) {
            // Even a value of our own needs parents that are not empty.
            auto from_parent = TRY(filled_value(mount, parent_path(group.path), file));
            if (value.empty())
                value = from_parent;
        }
        return value.empty() ? Result<Unit>(ok()) : folder.set(file, value, member);
    };
    TRY(settle("cpuset.cpus", cpu ? cpu->cpus : "", "cpu.cpus"));
    TRY(settle("cpuset.mems", cpu ? cpu->mems : "", "cpu.mems"));
    m_cpuset_is_empty = false;
    return ok();
}

} // namespace bulkhead::cgroup
