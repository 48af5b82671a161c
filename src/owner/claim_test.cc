#include "owner/claim.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <future>

#include "owner/server.h"
#include "owner/test_support.h"

namespace weir::owner {
namespace {

Identity identity(std::string verb) { return {::getpid(), std::move(verb), "1.0"}; }

Claim claim_either(const StateDirectory& state) {
  return claim(state, identity("run"), {}).value();
}

TEST(StateDirectory, TakesOthersRightsAway) {
  const ProjectFolder folder;
  std::filesystem::create_directories(folder.path() / ".weir/default");
  ASSERT_EQ(::chmod((folder.path() / ".weir/default").c_str(), 0755), 0);
  folder.open_state();
  struct stat status {};
  ASSERT_EQ(::stat((folder.path() / ".weir/default").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST(StateDirectory, SaysWhatItCannotCreate) {
  const auto state = StateDirectory::open("/proc/nowhere/.weir/default");
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, ErrorCode::io);
}

TEST(LockFile, HasOneHolderWhoSaysWhoItIs) {
  const ProjectFolder folder;
  const StateDirectory state = folder.open_state();
  LockFile second = LockFile::open(state).value();
  {
    LockFile first = LockFile::open(state).value();
    ASSERT_TRUE(first.try_lock().value());
    EXPECT_FALSE(second.holder()) << "it has not written yet";
    ASSERT_TRUE(first.describe(identity("a rather long verb")));
    ASSERT_TRUE(first.describe(identity("run")));
    EXPECT_FALSE(second.try_lock().value());
    EXPECT_EQ(second.holder()->to_string(), identity("run").to_string());
  }
  EXPECT_FALSE(second.holder());
  EXPECT_TRUE(second.try_lock().value());
}

TEST(Claim, TheFirstOwnsAndTheNextIsItsClient) {
  const ProjectFolder folder;
  const StateDirectory state = folder.open_state();
  const Claim first = claim_either(state);
  ASSERT_TRUE(std::holds_alternative<LockFile>(first));
  const auto server = Server::listen(state, identity("run")).value();
  EXPECT_TRUE(std::holds_alternative<Client>(claim_either(state)));
}

TEST(Claim, WaitsForAnOwnerThatHasNoSocketYet) {
  const ProjectFolder folder;
  const StateDirectory state = folder.open_state();
  const Claim first = claim_either(state);
  std::promise<void> waiting;
  auto second = std::async(std::launch::async, [&] {
    ClaimOptions options{.quiet = std::chrono::milliseconds(0)};
    options.on_wait = [&](const auto& holder) {
      EXPECT_EQ(holder->verb, "run");
      waiting.set_value();
    };
    return claim(state, identity("query"), options).value();
  });
  waiting.get_future().wait();
  const auto server = Server::listen(state, identity("run")).value();
  EXPECT_TRUE(std::holds_alternative<Client>(second.get()));
}

TEST(Claim, WaitsForALeavingOwnersLock) {
  const ProjectFolder folder;
  const StateDirectory state = folder.open_state();
  std::optional<Claim> first = claim_either(state);
  std::promise<void> waiting;
  auto second = std::async(std::launch::async, [&] {
    ClaimOptions options{.role = Role::owner_only, .quiet = std::chrono::milliseconds(0)};
    options.on_wait = [&](const auto&) { waiting.set_value(); };
    return claim(state, identity(lasting_verb), options).value();
  });
  waiting.get_future().wait();
  first.reset();
  EXPECT_TRUE(std::holds_alternative<LockFile>(second.get()));
}

TEST(Claim, ASecondUpIsRefused) {
  const ProjectFolder folder;
  const StateDirectory state = folder.open_state();
  const ClaimOptions options{.role = Role::owner_only};
  const Claim first = claim(state, identity(lasting_verb), options).value();
  const auto second = claim(state, identity(lasting_verb), options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::busy);
}

TEST(Claim, CanBeInterrupted) {
  const ProjectFolder folder;
  const StateDirectory state = folder.open_state();
  const Claim first = claim_either(state);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const io::Descriptor reading(ends[0]), writing(ends[1]);
  ClaimOptions options{.interrupt_fd = reading.get(), .quiet = std::chrono::milliseconds(0)};
  options.on_wait = [&](const auto&) { EXPECT_EQ(::write(writing.get(), "x", 1), 1); };
  EXPECT_EQ(claim(state, identity("run"), options).error().code, ErrorCode::cancelled);
}

/// Runs `body` in `count` processes; true when each of them returned true.
bool in_processes(int count, const std::function<bool(int)>& body) {
  std::vector<pid_t> children;
  for (int i = 0; i < count; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body(i) ? 0 : 1);
    children.push_back(child);
  }
  bool good = true;
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return good;
}

TEST(Claim, AnOwnerKilledWithItsSocketStandingIsSucceeded) {
  const ProjectFolder folder;
  const StateDirectory state = folder.open_state();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const Claim lock = claim_either(state);
    const auto server = Server::listen(state, identity(lasting_verb)).value();
    if (::write(ends[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char ready = 0;
  ASSERT_EQ(::read(ends[0], &ready, 1), 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ASSERT_TRUE(std::filesystem::exists(state.path() / socket_name));

  const ClaimOptions options{.role = Role::owner_only};
  const Claim next = claim(state, identity(lasting_verb), options).value();
  ASSERT_TRUE(std::holds_alternative<LockFile>(next));
  EXPECT_TRUE(Server::listen(state, identity(lasting_verb)));
  ::close(ends[0]);
  ::close(ends[1]);
}

/// One verb as the command line does it: claim, then own and serve, or ask. `owning` is a marker
/// that two owners at once would stumble over.
bool perform(const StateDirectory& state, const std::filesystem::path& owning) {
  const Handler handler = [](const Request& request, FrameSink& sink) -> Result<void> {
    sink.send(frame_of("row", request.verb));
    return {};
  };
  for (;;) {
    auto claimed = claim(state, identity("run"), {});
    if (!claimed) return false;
    if (Client* client = std::get_if<Client>(&*claimed)) {
      CollectingSink sink;
      const auto end = client->call({"1.0", "run", {}}, sink, {});
      if (!end) return false;
      if (*end == CallEnd::unheard) continue;
      return *end == CallEnd::answered && sink.frames.size() == 1;
    }
    const io::Descriptor marker(::open(owning.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!marker) return false;
    auto server = Server::listen(state, identity("run"));
    if (!server) return false;
    (*server)->serve(handler);
    CollectingSink sink;
    const bool good = handler({"1.0", "run", {}}, sink).has_value() && sink.frames.size() == 1;
    (*server)->leave();
    server->reset();
    return ::unlink(owning.c_str()) == 0 && good;
  }
}

TEST(Claim, ManyProcessesHandOverWithoutAnyoneSeeingALock) {
  const ProjectFolder folder;
  const StateDirectory state = folder.open_state();
  EXPECT_TRUE(in_processes(8, [&](int) {
    for (int round = 0; round < 40; ++round) {
      if (!perform(state, folder.path() / "owning")) return false;
    }
    return true;
  }));
}

TEST(Claim, ManyThreadsHandOverWithoutAnyoneSeeingALock) {
  const ProjectFolder folder;
  std::vector<std::future<bool>> verbs;
  for (int i = 0; i < 8; ++i) {
    verbs.push_back(std::async(std::launch::async, [&] {
      const StateDirectory state = folder.open_state();
      for (int round = 0; round < 40; ++round) {
        if (!perform(state, folder.path() / "owning")) return false;
      }
      return true;
    }));
  }
  for (auto& verb : verbs) EXPECT_TRUE(verb.get());
}

}  // namespace
}  // namespace weir::owner
