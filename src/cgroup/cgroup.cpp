// Which kind of group a container gets, and what all kinds share.
#include "cgroup/cgroup.h"
#include "base/log.h"
#include "base/text.h"
#include "cgroup/systemd.h"
#include "cgroup/v1.h"
#include "cgroup/v2.h"

#include <unistd.h>

namespace bulkhead::cgroup {

SysResult<Unit> enter(Entry const& entry)
{
    auto enter_file = [](int fd) -> SysResult<Unit> {
        for (;;) {
            if (::write(fd, "0", 1) == 1)
                return ok();
            if (errno != EINTR)
                return last_errno();
        }
    };
    for (auto const& tasks : entry.v1_tasks)
        TRY(enter_file(tasks.fd()));
    if (!entry.v2_directory.is_open())
        return ok();
    int fd = ::openat(entry.v2_directory.fd(), "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return last_errno();
    auto entered = enter_file(fd);
    ::close(fd);
    return entered;
}

namespace {

template <typename Kind> std::unique_ptr<Cgroup> as_cgroup(std::unique_ptr<Kind> cgroup)
{
    return cgroup;
}

// Not with a group that others are in: make() refuses it, and a record of it would name what is not ours to kill.
Result<Unit> announce(Cgroup const& planned, Request const& request)
{
    if (!request.before_making)
        return ok();
    auto others = planned.processes();
    if (others.is_ok() && !others.value().empty())
        return ok();
    return request.before_making(planned);
}

Result<std::unique_ptr<Cgroup>> create_v1(HostCgroups const& host, Request const& request)
{
    auto cgroup = TRY(V1Cgroup::plan(host, request));
    TRY(announce(*cgroup, request));
    TRY(cgroup->make(V1Cgroup::Existing::refuse_used));
    return as_cgroup(std::move(cgroup));
}

Result<std::unique_ptr<Cgroup>> create_v2(HostCgroups const& host, Request const& request)
{
    auto cgroup = TRY(V2Cgroup::plan(host, request));
    TRY(announce(*cgroup, request));
    TRY(cgroup->make());
    return as_cgroup(std::move(cgroup));
}

} // namespace

Result<std::unique_ptr<Cgroup>> Cgroup::create(HostCgroups const& host, Request const& request)
{
    if (request.container_id.empty())
        return invalid("a container needs an id to have a control group");
    if (request.systemd)
        return create_systemd(host, request);
    bool may_go_without = request.rootless && request.cgroups_path.empty();
    switch (host.layout) {
    case Layout::v1:
    case Layout::hybrid:
        return create_v1(host, request);
    case Layout::v2: {
        auto cgroup = create_v2(host, request);
        if (cgroup.is_ok() || !may_go_without || !is_lack_of_permission(cgroup.error().code))
            return cgroup;
        log::warning("running without a control group: none is writable", { { "why", cgroup.error().message } });
        return as_cgroup(V1Cgroup::without_groups());
    }
    case Layout::none:
        break;
    }
    if (may_go_without) {
        log::warning("running without a control group: none is mounted");
        return as_cgroup(V1Cgroup::without_groups());
    }
    return Error { .code = Errno::noent, .message = "no cgroup hierarchy is mounted", .hint = "mount -t cgroup2 cgroup2 /sys/fs/cgroup" };
}

Result<std::unique_ptr<Cgroup>> Cgroup::load(JsonObject const& saved)
{
    std::string kind;
    TRY(saved.required("kind", kind));
    if (kind == "v1") {
        auto cgroup = TRY(V1Cgroup::restore(saved));
        return as_cgroup(std::move(cgroup));
    }
    if (kind == "v2") {
        auto cgroup = TRY(V2Cgroup::restore(saved));
        return as_cgroup(std::move(cgroup));
    }
    if (kind == "systemd")
        return restore_systemd(saved);
    return saved.complaint("kind", quoted(kind) + " is unknown");
}

} // namespace bulkhead::cgroup
