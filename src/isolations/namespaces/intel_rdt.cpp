#include "isolations/namespaces/intel_rdt.h"

#include "base/file.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace bulkhead::namespaces {

Result<Unit> check_intel_rdt(oci::IntelRdt const&, std::string const& mount_point)
{
    struct statfs kind { };
    if (::statfs(mount_point.c_str(), &kind) == 0 && kind.f_type == RDTGROUP_SUPER_MAGIC)
        return ok();
    return Error { .code = Errno::notsup,
        .message = "linux.intelRdt: no resctrl file system is mounted at " + mount_point,
        .hint = "on a processor with RDT: mount -t resctrl resctrl " + mount_point + "; else leave intelRdt out" };
}

namespace {

Result<Unit> write_line(std::string const& group, std::string const& line, std::string_view place)
{
    auto written = write_existing_at(FileView::current_directory(), (group + "/schemata").c_str(), line + "\n");
    if (written.is_ok())
        return ok();
    auto why = read_file_at(FileView::current_directory(), group + "/../info/last_cmd_status", 4096);
    return Error { .code = written.error(),
        .message = std::string(place) + ": write \"" + line + "\": " + errno_text(written.error())
            + (why.is_ok() ? " (" + why.value().substr(0, why.value().find('\n')) + ")" : std::string()) };
}

Result<Unit> write_schemata(oci::IntelRdt const& wanted, std::string const& group)
{
    if (!wanted.l3_cache_schema.empty())
        TRY(write_line(group, wanted.l3_cache_schema, "linux.intelRdt.l3CacheSchema"));
    if (!wanted.mem_bw_schema.empty())
        TRY(write_line(group, wanted.mem_bw_schema, "linux.intelRdt.memBwSchema"));
    for (std::size_t index = 0; index < wanted.schemata.size(); ++index)
        TRY(write_line(group, wanted.schemata[index], "linux.intelRdt.schemata[" + std::to_string(index) + "]"));
    return ok();
}

Result<Unit> enter_group(oci::IntelRdt const& wanted, std::string const& id, pid_t pid, RdtGroup& made, std::string const& group)
{
    TRY(write_schemata(wanted, group));
    TRY(write_existing_at(FileView::current_directory(), (group + "/tasks").c_str(), std::to_string(pid))
            .or_error("linux.intelRdt: enter the class of service"));
    if (!wanted.enable_monitoring)
        return ok();
    auto monitor = group + "/mon_groups/" + id;
    if (::mkdir(monitor.c_str(), 0755) < 0)
        return Error::last("linux.intelRdt.enableMonitoring: make \"" + monitor + "\"");
    made.monitor = monitor;
    return write_existing_at(FileView::current_directory(), (monitor + "/tasks").c_str(), std::to_string(pid))
        .or_error("linux.intelRdt.enableMonitoring: enter the monitoring group");
}

} // namespace

Result<RdtGroup> apply_intel_rdt(oci::IntelRdt const& wanted, std::string const& id, pid_t pid, std::string const& mount_point)
{
    RdtGroup made;
    auto group = mount_point + "/" + (wanted.clos_id.empty() ? id : wanted.clos_id);
    bool has_schemata = !wanted.l3_cache_schema.empty() || !wanted.mem_bw_schema.empty() || !wanted.schemata.empty();
    if (::mkdir(group.c_str(), 0755) == 0) {
        // A shared class stays for the others; ours alone goes with the container.
        if (wanted.clos_id.empty())
            made.group = group;
        if (!wanted.clos_id.empty() && !has_schemata) {
            ::rmdir(group.c_str());
            return invalid("linux.intelRdt.closID: there is no class of service \"" + wanted.clos_id + "\" and no schemata to make it from",
                "make it in " + mount_point + ", or give schemata");
        }
    } else if (errno != EEXIST) {
        return Error { .code = last_errno(),
            .message = "linux.intelRdt: make \"" + group + "\": " + errno_text(last_errno()),
            .hint = "the processor has a limited number of classes of service: see " + mount_point + "/info" };
    }
    auto entered = enter_group(wanted, id, pid, made, group);
    if (entered.is_error()) {
        (void)remove_rdt_group(made);
        return entered.release_error();
    }
    return made;
}

Result<Unit> remove_rdt_group(RdtGroup const& made)
{
    for (auto const* folder : { &made.monitor, &made.group }) {
        if (!folder->empty() && ::rmdir(folder->c_str()) < 0 && errno != ENOENT)
            return Error::last("remove \"" + *folder + "\"");
    }
    return ok();
}

} // namespace bulkhead::namespaces
