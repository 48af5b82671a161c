#include "owner/client.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "text/receipt_json.h"

namespace weir::owner {

Result<std::optional<Client>> Client::connect(const StateDirectory& directory) {
  io::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return system_failure("cannot make a socket");
  const sockaddr_un address = directory.address(socket_name);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    switch (errno) {
      case ENOENT:
      case ECONNREFUSED:  // no owner, or not yet, or no more
      case EAGAIN:
      case EINTR:  // its backlog is full
        return std::nullopt;
      default: return system_failure("cannot reach " + (directory.path() / socket_name).string());
    }
  }
  Client client(std::move(socket));
  const auto user = client.channel_.peer_user();
  if (!user || *user != ::geteuid()) {
    return fail(
        ErrorCode::unavailable,
        fmt::format("the process that holds {} belongs to another user", directory.path().string()),
        "run weir as the user who owns the project's state");
  }
  return client;
}

Result<CallEnd> Client::call(const Request& request, FrameSink& sink, const CallOptions& options) {
  const Patience endless{.interrupt_fd = options.interrupt_fd};
  const std::string sent = to_line(request);
  if (sent.size() > max_request_bytes) {
    return fail(ErrorCode::usage,
                fmt::format("the request is longer than {} MiB", max_request_bytes >> 20));
  }
  if (channel_.write(sent, endless) == Exchange::interrupted) return CallEnd::interrupted;
  // A failed write is not the end: the owner may have said why before it closed.
  bool slow_told = false;
  std::string line;
  for (;;) {
    const bool first = !owner_ && !slow_told;
    const Exchange got =
        channel_.read_line(line, first ? Patience{options.slow, options.interrupt_fd} : endless);
    switch (got) {
      case Exchange::done: break;
      case Exchange::timed_out:
        slow_told = true;
        options.on_slow();
        continue;
      case Exchange::interrupted: return CallEnd::interrupted;
      case Exchange::closed: return owner_ ? CallEnd::lost : CallEnd::unheard;
      case Exchange::too_long: return fail(ErrorCode::internal, "the owner's answer has no end");
    }
    if (const auto end = WEIR_TRY(take_frame(request, line, sink))) return *end;
  }
}

Result<std::optional<CallEnd>> Client::take_frame(const Request& request, const std::string& line,
                                                  FrameSink& sink) {
  const auto frame = text::Json::parse(line);
  if (!frame) return fail(ErrorCode::internal, "the owner's answer: " + frame.error().message);
  const std::string& kind = (*frame)["frame"].as_string();
  if (kind == "hello") {
    owner_ = WEIR_TRY(identity_from_json((*frame)["owner"]));
    WEIR_TRY(check_versions(request.version, *owner_));
    return std::nullopt;
  }
  if (kind == "error") return fail(WEIR_TRY(text::error_from_json((*frame)["error"])));
  if (kind == "end") return CallEnd::answered;
  if (!sink.send(*frame)) return CallEnd::declined;
  return std::nullopt;
}

}  // namespace weir::owner
