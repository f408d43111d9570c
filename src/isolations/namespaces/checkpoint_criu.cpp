#include "isolations/namespaces/checkpoint_criu.h"

#include "base/text.h"
#include "host/channel.h"
#include "host/hook_process.h"
#include "host/process.h"

#include <array>
#include <csignal>
#include <cstdlib>

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bulkhead::namespaces {

namespace {

constexpr int criu_socket = 3;
constexpr int out_of_the_way = 64; // where descriptors wait while 3, 4... are filled
constexpr std::size_t max_answer = 64UL * 1024;
constexpr std::size_t quoted_lines = 5;

// Fields of criu_req, criu_resp, criu_notify, criu_features and criu_restore_resp.
namespace request_field {
constexpr std::uint32_t type = 1, opts = 2, notify_success = 3, features = 5;
}
namespace answer_field {
constexpr std::uint32_t type = 1, success = 2, restore = 4, notify = 5, code = 7, features = 8, message = 9;
}

struct Answer {
    CriuRequest type = CriuRequest::dump;
    bool success = false;
    int code = 0;
    std::string message;
    CriuNotification notification;
    CriuAnswer result;
};

void read_notification(CriuNotification& notification, std::string_view bytes)
{
    WireReader reader(bytes);
    while (auto field = reader.next()) {
        if (field->field == 1)
            notification.script = field->text;
        else if (field->field == 2)
            notification.pid = static_cast<pid_t>(field->number);
    }
}

void read_features(CriuAnswer& result, std::string_view bytes)
{
    WireReader reader(bytes);
    while (auto field = reader.next()) {
        if (field->field == 1)
            result.tracks_memory = field->number != 0;
        else if (field->field == 2)
            result.has_lazy_pages = field->number != 0;
    }
}

Answer read_answer(std::string_view bytes)
{
    Answer answer;
    WireReader reader(bytes);
    while (auto field = reader.next()) {
        switch (field->field) {
        case answer_field::type:
            answer.type = static_cast<CriuRequest>(field->number);
            break;
        case answer_field::success:
            answer.success = field->number != 0;
            break;
        case answer_field::restore:
            if (auto inner = WireReader(field->text).next())
                answer.result.restored_pid = static_cast<pid_t>(inner->number);
            break;
        case answer_field::notify:
            read_notification(answer.notification, field->text);
            break;
        case answer_field::code:
            answer.code = static_cast<int>(field->number);
            break;
        case answer_field::features:
            read_features(answer.result, field->text);
            break;
        case answer_field::message:
            answer.message = field->text;
            break;
        default:
            break;
        }
    }
    return answer;
}

// Descriptors of the child end up as 3 (the socket), 4, 5...; everything else closes when criu starts.
SysResult<Unit> arrange_descriptors(FileView socket, std::vector<File> const& passed)
{
    std::vector<int> parked = { ::fcntl(socket.fd(), F_DUPFD_CLOEXEC, out_of_the_way) };
    for (auto const& file : passed)
        parked.push_back(::fcntl(file.fd(), F_DUPFD_CLOEXEC, out_of_the_way));
    int number = criu_socket;
    for (int fd : parked) {
        if (fd < 0 || ::dup2(fd, number++) < 0)
            return last_errno();
    }
    return host::close_on_exec_from(static_cast<unsigned>(number));
}

constexpr char message_socket = 'S'; // the caller's end of the socket to criu
constexpr char message_failed = 'E'; // text: why criu could not be started

[[noreturn]] void fail_child(host::Channel const& report, std::string const& why)
{
    (void)report.send(message_failed, why);
    ::_exit(127);
}

// criu looks for descriptors named in a request in the process that made its socket, so the child makes it: its own
// folders, opened in its own mount namespace, are what is meant.
[[noreturn]] void run_child(CriuCall const& call, host::Channel& report)
{
    // Out of the way of 3, 4...: it has to live until exec closes it.
    host::Channel kept { File(::fcntl(report.view().fd(), F_DUPFD_CLOEXEC, 2 * out_of_the_way)) };
    auto passed = call.prepare_child ? call.prepare_child() : Result<std::vector<File>>(std::vector<File>());
    if (passed.is_error())
        fail_child(kept, passed.error().message);
    auto sockets = host::Channel::make_pair();
    if (sockets.is_error())
        fail_child(kept, "make a socket for criu: " + errno_text(sockets.error()));
    auto sent = kept.send(message_socket, {}, { sockets.value().first.view() });
    if (sent.is_ok())
        sent = arrange_descriptors(sockets.value().second.view(), passed.value());
    if (sent.is_error())
        fail_child(kept, "pass descriptors to criu: " + errno_text(sent.error()));
    auto program = call.program.empty() ? std::string("criu") : call.program;
    std::array<char const*, 4> arguments = { program.c_str(), "swrk", "3", nullptr };
    ::execvp(program.c_str(), const_cast<char* const*>(arguments.data()));
    if (errno == ENOENT && call.program.empty()) // engines run with a PATH of their own
        ::execv("/usr/sbin/criu", const_cast<char* const*>(arguments.data()));
    if (errno == ENOENT)
        fail_child(kept, "criu is not installed: there is no program " + quoted(program));
    fail_child(kept, "start " + quoted(program) + ": " + errno_text(last_errno()));
}

// criu as a child; gone, and waited for, when this goes.
class Criu {
public:
    static Result<Criu> start(CriuCall const&);
    Criu(Criu&& other) noexcept
        : m_pid(std::exchange(other.m_pid, 0))
        , m_socket(std::move(other.m_socket))
    {
    }
    ~Criu() { (void)finish(); }
    pid_t pid() const { return m_pid; }
    FileView socket() const { return m_socket; }
    // Says that no more requests come, and waits. Its exit status.
    int finish()
    {
        m_socket.close();
        if (m_pid == 0)
            return 0;
        return host::wait_for_exit(std::exchange(m_pid, 0)).is_error() ? -1 : 0;
    }

private:
    Criu(pid_t pid, File socket)
        : m_pid(pid)
        , m_socket(std::move(socket))
    {
    }
    pid_t m_pid = 0;
    File m_socket;
};

Result<Criu> Criu::start(CriuCall const& call)
{
    auto [ours, theirs] = TRY(host::Channel::make_pair().or_error("make a socket for criu"));
    auto cloned = TRY(host::clone_process({}).or_error("start criu"));
    if (cloned.pid == 0)
        run_child(call, theirs);
    theirs.close();
    Criu criu(cloned.pid, File());
    for (;;) {
        auto message = TRY(ours.receive().or_error("start criu"));
        if (message.kind == message_failed)
            return Error {
                .code = Errno::noent, .message = message.text, .hint = "install criu (4.0 or newer for recent kernels), or name it with --criu"
            };
        if (message.kind != message_socket)
            return criu; // the channel closed: criu runs
        if (!message.files.empty())
            criu.m_socket = std::move(message.files.front());
    }
}

// `criu check` says in words what the worker only logs. Empty when it is content.
std::string words_of_check(std::string const& program)
{
    auto path = program.empty() ? std::string("criu") : program;
    auto end = host::run_program({ .path = path,
        .args = { path, "check" },
        .env = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
        .timeout_ms = 10'000 });
    if (end.is_error() || end.value().succeeded())
        return {};
    return complaints_in_log(end.value().output);
}

Error failure(CriuCall const& call, Answer const* answer)
{
    std::string message = "criu failed";
    if (answer && answer->code != 0)
        message += " (" + errno_text(static_cast<Errno>(answer->code)) + ")";
    auto log = read_file(call.log_path, 16UL * 1024 * 1024);
    auto complaints = log.is_ok() ? complaints_in_log(log.value()) : std::string();
    auto check = words_of_check(call.program);
    if (!check.empty())
        return Error { .code = Errno::notsup,
            .message = message + ": it does not work on this kernel; `criu check` says:\n" + check,
            .hint = "install a newer criu, or name one with --criu" };
    if (!complaints.empty())
        message += "; its log says:\n" + complaints;
    else if (answer && !answer->message.empty())
        message += ": " + std::string(trim(answer->message));
    return Error { .code = Errno::io, .message = message, .hint = log.is_ok() ? "see " + call.log_path : "try `criu check`, and a newer criu" };
}

Result<Unit> acknowledge(FileView socket)
{
    WireWriter reply;
    reply.number(request_field::type, static_cast<std::uint64_t>(CriuRequest::notify)).number(request_field::notify_success, 1);
    return host::send_files(socket, reply.bytes(), {}).or_error("answer criu");
}

// Serves notifications until the answer to the request comes.
Result<CriuAnswer> converse(CriuCall const& call, FileView socket)
{
    for (;;) {
        auto message = TRY(host::receive_files(socket, max_answer).or_error("listen to criu"));
        if (message.text.empty())
            return failure(call, nullptr);
        auto answer = read_answer(message.text);
        if (!answer.success)
            return failure(call, &answer);
        if (answer.type != CriuRequest::notify)
            return answer.result;
        answer.notification.files = std::move(message.files);
        if (call.on_notification)
            TRY(call.on_notification(answer.notification)); // unanswered, criu takes everything back
        TRY(acknowledge(socket));
    }
}

} // namespace

Result<CriuAnswer> call_criu(CriuCall const& call)
{
    if (!call.log_path.empty())
        ::unlink(call.log_path.c_str()); // a log of earlier is not to be quoted
    auto criu = TRY(Criu::start(call));
    WireWriter request;
    request.number(request_field::type, static_cast<std::uint64_t>(call.request));
    if (call.request == CriuRequest::feature_check) {
        WireWriter wanted;
        wanted.number(1, 1).number(2, 1);
        request.message(request_field::features, wanted);
    } else {
        auto options = TRY(call.options(criu.pid()));
        request.message(request_field::opts, options);
    }
    if (auto sent = host::send_files(criu.socket(), request.bytes(), {}); sent.is_error())
        return failure(call, nullptr);
    return converse(call, criu.socket());
}

std::string complaints_in_log(std::string_view log)
{
    std::vector<std::string> found;
    for (auto line : split(log, '\n')) {
        if (line.find("Error") != std::string_view::npos)
            found.emplace_back("  " + std::string(trim(line)));
    }
    if (found.size() > quoted_lines)
        found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(quoted_lines));
    return join(found, "\n");
}

} // namespace bulkhead::namespaces
