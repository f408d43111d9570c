#include "init_stage/init_stage.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" {
extern char const bulkhead_init_stage_begin[];
extern char const bulkhead_init_stage_end[];
}

namespace bulkhead::init_stage {

SysResult<File> open_program()
{
    int fd = ::memfd_create("bulkhead-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return last_errno();
    File file(fd);
    auto size = static_cast<std::size_t>(bulkhead_init_stage_end - bulkhead_init_stage_begin);
    TRY(write_all(file, std::string_view(bulkhead_init_stage_begin, size)));
    if (::fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        return last_errno();
    return file;
}

std::string_view program_link_text()
{
    return "/memfd:bulkhead-init (deleted)";
}

namespace {

Part append(std::string& bytes, std::string_view part)
{
    bytes.resize((bytes.size() + 7) / 8 * 8); // filters and groups want alignment
    Part place { .offset = static_cast<std::uint32_t>(bytes.size()), .length = static_cast<std::uint32_t>(part.size()) };
    bytes += part;
    return place;
}

Part append_text(std::string& bytes, std::string const& text)
{
    if (text.empty())
        return {};
    return append(bytes, std::string_view(text.c_str(), text.size() + 1));
}

} // namespace

Result<File> write_plan(Plan plan, PlanParts const& parts)
{
    std::string bytes(sizeof(Plan), '\0');
    plan.groups = append(bytes, std::string_view(reinterpret_cast<char const*>(parts.groups.data()), parts.groups.size() * sizeof(std::uint32_t)));
    plan.program = append_text(bytes, parts.program);
    plan.directory = append_text(bytes, parts.directory);
    plan.label_file = append_text(bytes, parts.label_file);
    plan.label = append_text(bytes, parts.label);
    plan.filter = append(bytes, parts.filter_bytes);
    if (bytes.size() > max_plan_size)
        return invalid("the process needs a launch plan of " + std::to_string(bytes.size()) + " bytes, more than " + std::to_string(max_plan_size),
            "use fewer additional groups or a smaller seccomp profile");
    plan.magic = plan_magic;
    plan.size = static_cast<std::uint32_t>(bytes.size());
    bytes.replace(0, sizeof plan, reinterpret_cast<char const*>(&plan), sizeof plan);
    int fd = ::memfd_create("bulkhead-plan", MFD_CLOEXEC);
    if (fd < 0)
        return Error::last("make a memfd for the launch plan");
    File file(fd);
    TRY(write_all(file, bytes).or_error("write the launch plan"));
    return file;
}

Error execute(FileView program, FileView plan, std::vector<std::string> const& arguments, std::vector<std::string> const& environment)
{
    auto name = "bulkhead-init:" + std::to_string(plan.fd());
    std::vector<char*> argument_pointers { name.data() };
    for (auto const& argument : arguments)
        argument_pointers.push_back(const_cast<char*>(argument.c_str()));
    argument_pointers.push_back(nullptr);
    std::vector<char*> environment_pointers;
    for (auto const& variable : environment)
        environment_pointers.push_back(const_cast<char*>(variable.c_str()));
    environment_pointers.push_back(nullptr);
    if (::fcntl(plan.fd(), F_SETFD, 0) < 0)
        return Error::last("pass the launch plan on");
    ::syscall(SYS_execveat, program.fd(), "", argument_pointers.data(), environment_pointers.data(), AT_EMPTY_PATH);
    if (errno == E2BIG)
        return Error { .code = Errno::inval,
            .message = "the arguments and environment of the process are too long for the kernel",
            .hint = "shorten process.args or process.env" };
    return Error::last("execute the init stage");
}

std::string_view step_name(Step step)
{
    switch (step) {
    case Step::plan:
        return "read the launch plan";
    case Step::label:
        return "set the security label";
    case Step::groups:
        return "set the additional groups";
    case Step::ids:
        return "set the user and group";
    case Step::capabilities:
        return "set the capabilities";
    case Step::directory:
        return "enter the working directory";
    case Step::gate:
        return "wait for start";
    case Step::seccomp:
        return "load the seccomp filter";
    case Step::execute:
        return "execute the program";
    }
    return "start the program";
}

} // namespace bulkhead::init_stage
