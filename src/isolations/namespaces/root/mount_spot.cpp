// How the place of a mount is found in a root whose contents are hostile. The usual place needs no more than one
// openat2(2), or none at all where it lies in a file system that we have just mounted ourselves.
#include "isolations/namespaces/root/builder.h"

#include "base/text.h"

#include <linux/magic.h>
#include <sys/stat.h>

namespace bulkhead::root {

namespace {

// In a tmpfs that we have mounted nobody else can make anything, so the name can be used as it is.
Result<Spot> spot_in_own_tmpfs(Base const& base, std::string const& rest, host::Make make)
{
    if (rest.find('/') != std::string::npos) {
        auto found = host::make_in_root(base.directory, rest, make, { .links = host::Links::refuse });
        if (found.is_error())
            return Error::from_errno(found.error(), "make \"" + base.destination + "/" + rest + "\"");
        Spot spot { .directory = found.value(), .name = "" };
        spot.owned = found.release_value();
        return spot;
    }
    int made = make == host::Make::directory ? ::mkdirat(base.directory.fd(), rest.c_str(), 0755)
                                             : ::mknodat(base.directory.fd(), rest.c_str(), S_IFREG | 0644, 0);
    if (made < 0 && errno != EEXIST)
        return Error::last("make \"" + base.destination + "/" + rest + "\"");
    return Spot { .directory = base.directory, .name = rest };
}

Result<Spot> spot_through_symlinks(Builder& builder, std::string const& destination, host::Make make, host::Links links)
{
    builder.plain_paths_are_safe = false;
    auto found = host::make_in_root(builder.root, destination, make, { .links = links });
    if (found.is_error())
        return Error::from_errno(found.error(), "find or make the mount point");
    auto type = host::file_system_type(found.value());
    if (type.is_error() || type.value() == PROC_SUPER_MAGIC)
        return invalid("a symlink in the image leads the mount into procfs", "the image may be hostile; mount elsewhere");
    Spot spot { .directory = found.value(), .name = "" };
    spot.owned = found.release_value();
    return spot;
}

} // namespace

Result<Spot> find_spot(Builder& builder, std::string const& destination, host::Make make, host::Links last_link)
{
    auto path = host::clean_path(destination);
    if (path == "/")
        return invalid("nothing can be mounted over the root itself", "use root.path for another root");
    if (auto below = builder.below_a_base(path)) {
        if (below->base->kind == Base::Kind::tmpfs)
            return spot_in_own_tmpfs(*below->base, below->rest, make);
        return Spot { .directory = below->base->directory, .name = below->rest };
    }
    auto found = host::make_in_root(builder.root, destination, make, { .links = host::Links::refuse });
    if (found.is_error() && found.error() == Errno::loop) {
        if (last_link == host::Links::refuse)
            return invalid("the mount point is reached through a symlink", "make it an ordinary folder in the image");
        return spot_through_symlinks(builder, destination, make, last_link);
    }
    if (found.is_error())
        return Error::from_errno(found.error(), "find or make the mount point");
    Spot spot { .directory = found.value(), .name = "" };
    spot.owned = found.release_value();
    return spot;
}

SysResult<Unit> mount_at(Builder& builder, Spot const& spot, char const* source, char const* type, unsigned long flags, std::string const& data)
{
    auto const* text = data.empty() ? nullptr : data.c_str();
    if (builder.work_in(spot.directory).is_ok())
        return host::mount_classic(source, spot.name.empty() ? "." : spot.name.c_str(), type, flags, text);
    auto target = spot.directory.proc_path();
    if (!spot.name.empty())
        target += "/" + spot.name;
    return host::mount_classic(source, target.c_str(), type, flags, text);
}

} // namespace bulkhead::root
