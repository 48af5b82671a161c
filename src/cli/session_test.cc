#include "cli/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <future>

#include "cli/frames.h"
#include "cli/owner_process.h"
#include "cli/services_for_test.h"
#include "cli/string_output_for_test.h"
#include "owner/claim.h"

namespace weir::cli {
namespace {

using ::testing::ElementsAre;
using text::Json;

class SessionTest : public ::testing::Test {
 protected:
  struct Performed {
    ExitCode code;
    std::string out;
  };

  Performed perform_run(Json args) {
    StringOutput output, error_output;
    const auto presenter =
        make_receipts_presenter(OutputFormat::json, output, error_output, Verdict::counts);
    const Wiring wiring{[this](Project given) {
      return std::make_unique<FakeServices>(std::move(given), dispatcher);
    }};
    const ExitCode code =
        perform(project, {WEIR_VERSION, "run", std::move(args)}, *presenter, wiring, signals);
    return {code, output.text};
  }
  static Json load(const std::string& key) {
    return Json::object()
        .set("pipeline", "load")
        .set("objects", Json::array().push("landing/" + key));
  }
  owner::StateDirectory state() { return owner::StateDirectory::open(project.state_dir()).value(); }
  static size_t receipts_in(const std::string& out) {
    return Json::parse(out).value().as_array().size();
  }

  // Before any thread, as in the real process.
  StopSignals signals = StopSignals::block().value();
  io::TemporaryFolder folder;
  Project project = project_for_test(folder.path());
  FakeDispatcher dispatcher;
};

TEST_F(SessionTest, OwnsWhenNothingRunsAndLeavesNothingBehind) {
  const Performed performed = perform_run(load("a.json"));
  EXPECT_EQ(performed.code, ExitCode::done);
  EXPECT_EQ(receipts_in(performed.out), 1u);
  EXPECT_FALSE(std::filesystem::exists(project.state_dir() / "sock"));
}

TEST_F(SessionTest, ManyAtOnceNeverSeeALock) {
  std::vector<std::future<Performed>> verbs;
  for (int i = 0; i < 12; ++i) {
    verbs.push_back(std::async(std::launch::async,
                               [&, i] { return perform_run(load(std::to_string(i) + ".json")); }));
  }
  for (auto& verb : verbs) {
    const Performed performed = verb.get();
    EXPECT_EQ(performed.code, ExitCode::done);
    EXPECT_EQ(receipts_in(performed.out), 1u);
  }
}

TEST_F(SessionTest, AskedOwnersErrorsDecideTheExitCode) {
  const owner::Claim lock = owner::claim(state(), own_identity("up"), {}).value();
  const auto server = owner::Server::listen(state(), own_identity("up")).value();
  server->serve([](const owner::Request&, owner::FrameSink&) -> Result<void> {
    return fail(ErrorCode::usage, "there is no pipeline 'x'");
  });
  const Performed performed = perform_run(load("a.json"));
  EXPECT_EQ(performed.code, ExitCode::usage);
  EXPECT_EQ(performed.out, "");
}

TEST_F(SessionTest, SaysThatTheProjectFileIsNewerThanItsOwner) {
  const owner::Claim lock = owner::claim(state(), own_identity("up"), {}).value();
  const auto server = owner::Server::listen(state(), own_identity("up")).value();
  server->serve([](const owner::Request&, owner::FrameSink&) -> Result<void> { return {}; });
  const auto yaml = project.root / "weir.yaml";
  std::ofstream(yaml) << "project: test";
  const auto started = std::filesystem::last_write_time(project.state_dir() / "lock");
  for (const auto& [offset, told] :
       {std::pair(std::chrono::seconds(-5), false), std::pair(std::chrono::seconds(5), true)}) {
    std::filesystem::last_write_time(yaml, started + offset);
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(perform_run(load("a.json")).code, ExitCode::done);
    const bool said =
        ::testing::internal::GetCapturedStderr().find("has changed") != std::string::npos;
    EXPECT_EQ(said, told);
  }
}

TEST_F(SessionTest, GoesOnWhereADeadOwnerStopped) {
  std::optional<owner::Claim> lock = owner::claim(state(), own_identity("up"), {}).value();
  auto server = owner::Server::listen(state(), own_identity("up")).value();
  owner::Server& dying = *server;  // lives until its last answer has ended; the pointer does not
  std::promise<void> cut;
  std::atomic<bool> answered = false;
  server->serve([&](const owner::Request&, owner::FrameSink& sink) -> Result<void> {
    if (answered.exchange(true)) {  // asked again before the socket was gone
      dying.cut();
      return {};
    }
    Receipt first;
    first.run = RunId("r1");
    first.pipeline = PipelineName("load");
    first.status = RunState::partial;
    sink.send(accepted_frame({RunId("r1"), RunId("r2")}));
    sink.send(receipt_frame(first));
    dying.cut();
    cut.set_value();
    return {};
  });
  auto performing = std::async(std::launch::async, [&] { return perform_run(load("a.json")); });
  cut.get_future().wait();
  server.reset();
  lock.reset();
  const Performed performed = performing.get();
  EXPECT_EQ(performed.code, ExitCode::rejected) << "the first receipt still counts";
  EXPECT_EQ(receipts_in(performed.out), 2u);
  EXPECT_THAT(dispatcher.waited, ElementsAre(RunId("r2")));
}

TEST_F(SessionTest, AStopSignalDrainsTheOwner) {
  dispatcher.hold = true;
  auto performing = std::async(std::launch::async, [&] { return perform_run(load("a.json")); });
  dispatcher.wait_until_held();
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  EXPECT_EQ(performing.get().code, ExitCode::failed);
  EXPECT_TRUE(dispatcher.drained);
  EXPECT_FALSE(std::filesystem::exists(project.state_dir() / "sock"));
}

TEST_F(SessionTest, AStopSignalDetachesAClient) {
  std::promise<void> asked, finish;  // outlive the server, whose thread uses them
  const owner::Claim lock = owner::claim(state(), own_identity("up"), {}).value();
  const auto server = owner::Server::listen(state(), own_identity("up")).value();
  server->serve([&](const owner::Request&, owner::FrameSink& sink) -> Result<void> {
    sink.send(accepted_frame({RunId("r1")}));
    asked.set_value();
    finish.get_future().wait();
    return {};
  });
  auto performing = std::async(std::launch::async, [&] { return perform_run(load("a.json")); });
  asked.get_future().wait();
  ASSERT_EQ(::kill(::getpid(), SIGINT), 0);
  EXPECT_EQ(performing.get().code, ExitCode::failed);
  EXPECT_EQ(server->in_flight(), 1u) << "the owner goes on";
  EXPECT_TRUE(signals.take());
  finish.set_value();
}

TEST_F(SessionTest, ALeavingOwnerFinishesWhatOthersAsked) {
  const auto directory = state();
  auto lock = std::get<owner::LockFile>(owner::claim(directory, own_identity("query"), {}).value());
  auto process = OwnerProcess::begin(directory, std::move(lock), own_identity("query"),
                                     std::make_unique<FakeServices>(project, dispatcher), signals)
                     .value();
  dispatcher.hold = true;
  process->serve();
  auto client = std::async(std::launch::async, [&] { return perform_run(load("a.json")); });
  dispatcher.wait_until_held();
  auto leaving = std::async(std::launch::async, [&] { process->leave(); });
  {
    const std::lock_guard guard(dispatcher.mutex);
    dispatcher.hold = false;
    dispatcher.changed.notify_all();
  }
  leaving.get();
  EXPECT_EQ(client.get().code, ExitCode::done);
}

}  // namespace
}  // namespace weir::cli
