// Which kind of group a container gets, and what all kinds share.
#include "cgroup/cgroup.h"
#include "cgroup/v1.h"

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

Result<std::unique_ptr<Cgroup>> Cgroup::create(HostCgroups const& host, Request const& request)
{
    auto cgroup = TRY(V1Cgroup::plan(host, request));
    TRY(cgroup->make(V1Cgroup::Existing::refuse_used));
    return std::unique_ptr<Cgroup>(std::move(cgroup));
}

Result<std::unique_ptr<Cgroup>> Cgroup::load(JsonObject const& saved)
{
    std::string kind;
    TRY(saved.required("kind", kind));
    if (kind == "v1") {
        auto cgroup = TRY(V1Cgroup::restore(saved));
        return std::unique_ptr<Cgroup>(std::move(cgroup));
    }
    return saved.complaint("kind", "is unknown");
}

} // namespace bulkhead::cgroup
