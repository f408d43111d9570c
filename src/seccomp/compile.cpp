#include "seccomp/compile.h"

#include "base/file.h"
#include "base/text.h"
#include "seccomp/enosys.h"
#include "seccomp/rules.h"

#include <cstring>
#include <memory>

#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

namespace bulkhead::seccomp {

namespace {

// From this many rules on, a binary tree over the numbers is worth its instructions. Releases up to 2.5.4 make four calls a
// leaf and go wrong without any rule.
constexpr std::size_t tree_from = 32;

struct Release {
    void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

Error failed(int code, std::string_view doing)
{
    return Error::from_errno(static_cast<Errno>(-code), doing);
}

Result<Filter> make_filter(RuleSet const& set)
{
    Filter filter(seccomp_init(set.default_action));
    if (!filter)
        return failed(-EINVAL, "make a seccomp filter with the default action of linux.seccomp.defaultAction");
    for (auto architecture : set.architectures) {
        if (auto code = seccomp_arch_add(filter.get(), architecture); code < 0 && code != -EEXIST)
            return failed(code, "add an architecture of linux.seccomp.architectures");
    }
    // no_new_privs is the configuration's own business.
    if (auto code = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_NNP, 0); code < 0)
        return failed(code, "leave no_new_privs to the configuration");
    if (set.rules.size() > tree_from)
        seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2); // an older library compiles without
    return filter;
}

Result<Unit> add_rules(Filter const& filter, RuleSet const& set)
{
    for (auto const& rule : set.rules) {
        auto count = static_cast<unsigned>(rule.conditions.size());
        auto code = seccomp_rule_add_array(filter.get(), rule.action, rule.number, count, rule.conditions.data());
        if (code < 0 && code != -EEXIST)
            return failed(code, "add the seccomp rule for system call " + quoted(rule.name));
    }
    return ok();
}

// This library only writes to a descriptor.
Result<std::vector<sock_filter>> export_instructions(Filter const& filter)
{
    int fd = ::memfd_create("seccomp", MFD_CLOEXEC);
    if (fd < 0)
        return Error::last("make a memory file for the seccomp filter");
    File file(fd);
    if (auto code = seccomp_export_bpf(filter.get(), fd); code < 0)
        return failed(code, "compile the seccomp filter");
    if (::lseek(fd, 0, SEEK_SET) < 0)
        return Error::last("read the seccomp filter");
    auto bytes = TRY(read_all(file).or_error("read the seccomp filter"));
    std::vector<sock_filter> instructions(bytes.size() / sizeof(sock_filter));
    std::memcpy(instructions.data(), bytes.data(), instructions.size() * sizeof(sock_filter));
    return instructions;
}

} // namespace

Result<Program> compile(oci::Seccomp const& profile)
{
    auto set = TRY(make_rules(profile));
    Program program;
    program.flags = set.flags;
    program.needs_listener = set.notifies;
    program = TRY(with_listener(std::move(program), profile));
    if (set.wants_enosys)
        program.instructions = enosys_prologue(profile, set.architectures);
    auto filter = TRY(make_filter(set));
    TRY(add_rules(filter, set));
    auto instructions = TRY(export_instructions(filter));
    program.instructions.insert(program.instructions.end(), instructions.begin(), instructions.end());
    TRY(check_instructions(program.instructions).context("compile linux.seccomp"));
    return program;
}

Result<Program> with_listener(Program program, oci::Seccomp const& profile)
{
    if (program.needs_listener && profile.listener_path.empty())
        return invalid("linux.seccomp.listenerPath: is missing, and a rule has SCMP_ACT_NOTIFY", "name the unix socket of the seccomp agent");
    if (!profile.listener_metadata.empty() && profile.listener_path.empty())
        return invalid("linux.seccomp.listenerMetadata: is set without listenerPath", "add listenerPath, or take it out");
    if (program.needs_listener) {
        program.listener_path = profile.listener_path;
        program.listener_metadata = profile.listener_metadata;
    }
    return program;
}

} // namespace bulkhead::seccomp
