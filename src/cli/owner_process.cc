#include "cli/owner_process.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cli/answer.h"
#include "cli/messages.h"
#include "io/system_error.h"

namespace weir::cli {
namespace {

/// How long requests have to tell their clients that the work was stopped.
constexpr std::chrono::milliseconds last_words{2'000};

/// Passes frames on until the process is told to stop.
class StoppableSink final : public owner::FrameSink {
 public:
  StoppableSink(owner::FrameSink& sink, const std::atomic<bool>& stopping)
      : sink_(sink), stopping_(stopping) {}
  bool send(const text::Json& frame) override { return !stopping_ && sink_.send(frame); }
  bool wanted() const override { return !stopping_ && sink_.wanted(); }

 private:
  owner::FrameSink& sink_;
  const std::atomic<bool>& stopping_;
};

}  // namespace

OwnerProcess::OwnerProcess(owner::LockFile lock, owner::Identity self,
                           std::unique_ptr<Services> services,
                           std::unique_ptr<owner::Server> server, StopSignals& signals,
                           io::Descriptor wake)
    : lock_(std::move(lock)),
      self_(std::move(self)),
      services_(std::move(services)),
      server_(std::move(server)),
      signals_(signals),
      wake_(std::move(wake)) {
  signal_thread_ = std::thread([this] { watch_signals(); });
}

Result<std::unique_ptr<OwnerProcess>> OwnerProcess::begin(const owner::StateDirectory& directory,
                                                          owner::LockFile lock,
                                                          owner::Identity self,
                                                          std::unique_ptr<Services> services,
                                                          StopSignals& signals) {
  io::Descriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return fail(io::system_error("cannot make", "an eventfd"));
  auto server = WEIR_TRY(owner::Server::listen(directory, self));
  return std::unique_ptr<OwnerProcess>(new OwnerProcess(std::move(lock), std::move(self),
                                                        std::move(services), std::move(server),
                                                        signals, std::move(wake)));
}

OwnerProcess::~OwnerProcess() { leave(); }

void OwnerProcess::serve() {
  server_->serve([this](const owner::Request& request, owner::FrameSink& sink) {
    return cli::answer(request, *services_, sink);
  });
}

Result<void> OwnerProcess::answer(const owner::Request& request, owner::FrameSink& sink) {
  StoppableSink stoppable(sink, stopping_);
  WEIR_TRY(cli::answer(request, *services_, stoppable));
  if (stopping_) return fail(ErrorCode::cancelled, "stopped before the answer was complete");
  return {};
}

void OwnerProcess::watch_signals() {
  int received = 0;
  for (;;) {
    pollfd watched[2] = {{signals_.descriptor(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0) continue;  // EINTR
    if (watched[1].revents != 0) return;
    if (!signals_.take()) continue;
    switch (++received) {
      case 1:
        say("stopping: what runs may finish within 10 seconds; once more to roll it back now");
        stop();
        break;
      case 2:
        say("stopping now; once more to end at once");
        services_->drain(std::chrono::milliseconds(0));
        break;
      default: ::_exit(1);
    }
  }
}

void OwnerProcess::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  // Whoever waits for the lock is told that this owner is on its way out.
  owner::Identity leaving = self_;
  leaving.verb += " (stopping)";
  if (const auto described = lock_.describe(leaving); !described) say(described.error());
  drainer_ = std::thread([this] {
    server_->stop_accepting();
    services_->drain(grace);
    if (!server_->wait_idle(last_words)) server_->cut();
  });
}

void OwnerProcess::wait_for_stop() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopping_.load(); });
}

void OwnerProcess::leave() {
  if (!server_) return;
  constexpr std::chrono::milliseconds quiet{1'000};
  if (!stopping_ && !server_->wait_idle(quiet)) {
    say("finishing what other weir commands have asked this one for");
  }
  // A stop signal from here on drains the dispatcher, which ends the requests that are waited for.
  if (!stopping_) server_->leave();
  ::eventfd_write(wake_.get(), 1);
  signal_thread_.join();
  if (drainer_.joinable()) drainer_.join();
  services_->drain(grace);
  server_.reset();
  services_.reset();
  lock_.release();
}

}  // namespace weir::cli
