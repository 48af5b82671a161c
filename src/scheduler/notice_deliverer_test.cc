#include "scheduler/notice_deliverer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "http/scripted_server_for_test.h"
#include "io/temporary_folder_for_test.h"
#include "runlog/run_log.h"

namespace weir::scheduler {
namespace {

using http::answer;
using http::ScriptedPeer;
using http::ScriptedServer;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class OneSecret final : public secrets::SecretStore {
 public:
  Result<std::string> get(std::string_view name) override {
    if (name == "key") return "geheim";
    return fail(ErrorCode::not_found, "there is no secret '" + std::string(name) + "'");
  }
};

/// A run log with runs of pipeline "load", which tells two receivers (steps 2 and 3).
class NoticeDelivererTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = runlog::open_sqlite_run_log(folder_.path("runs.sqlite"));
    ASSERT_TRUE(opened) << opened.error().to_string();
    log_ = *std::move(opened);
    Pipeline pipeline;
    pipeline.name = PipelineName("load");
    pipeline.steps = {LoadStep{}, NotifyStep{}, NotifyStep{}};
    project_.pipelines.push_back(pipeline);
    for (size_t i = 1; i <= 2; ++i) {
      step(i).retry = {2, milliseconds(1), milliseconds(2)};
    }
  }
  NotifyStep& step(size_t index) {
    return std::get<NotifyStep>(project_.pipelines[0].steps[index]);
  }
  /// A run that ended with a notice of this step. The notice's id.
  std::string finished_run(int step_number) {
    weir::Run run;
    run.id = new_run_id(clock_.now());
    run.pipeline = PipelineName("load");
    run.created = run.scheduled_for = clock_.now();
    EXPECT_TRUE(log_->enqueue({&run, 1}));
    const auto leased = log_->lease(1, clock_.now());
    EXPECT_TRUE(leased && leased->size() == 1);
    const std::string id = run.id.value() + "." + std::to_string(step_number);
    runlog::FinishedRun end;
    end.id = run.id;
    end.state = RunState::succeeded;
    end.receipt = "{}";
    end.notices.push_back({.id = id,
                           .run = run.id,
                           .pipeline = run.pipeline,
                           .step = step_number,
                           .body = R"({"id":")" + id + "\"}"});
    const auto written = log_->finish({&end, 1}, clock_.now());
    EXPECT_TRUE(written) << written.error().to_string();
    last_run_ = run;
    return id;
  }
  std::unique_ptr<NoticeDeliverer> started(milliseconds timeout = milliseconds(20'000)) {
    auto deliverer = make_notice_deliverer(project_, *log_, secrets_, clock_,
                                           {.workers = 2, .timeout = timeout, .seed = 1});
    deliverer->start();
    return deliverer;
  }
  size_t outbox() { return log_->due_notices(Timestamp::max(), 1000)->size(); }
  std::vector<std::string> lines() {
    std::vector<std::string> out;
    const auto lines = log_->log_lines(last_run_.id);
    for (const auto& line : *lines) out.push_back(line.level + " " + line.message);
    return out;
  }
  /// Until the server was asked so often; the test's time limit ends what never comes.
  void wait_for_requests(size_t count) {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [&] { return requests_ >= count; });
  }
  void count_request() {
    const std::lock_guard lock(mutex_);
    ++requests_;
    asked_.notify_all();
  }

  io::TemporaryFolder folder_;
  SystemClock clock_;
  OneSecret secrets_;
  Project project_;
  weir::Run last_run_;
  std::unique_ptr<runlog::RunLog> log_;
  std::mutex mutex_;
  std::condition_variable asked_;
  size_t requests_ = 0;
};

TEST_F(NoticeDelivererTest, SendsWhatIsDueOnceAndSigned) {
  const ScriptedServer server([&](ScriptedPeer& peer) {
    peer.send(answer("202 Accepted", "", "thanks"));
    count_request();
  });
  step(1).url = server.url("/${secret:key}/hook");
  step(1).sign = "${secret:key}";
  step(1).headers = {{"X-Team", "${secret:key}"}};
  const std::string id = finished_run(2);
  {
    const auto deliverer = started();
    wait_for_requests(1);
    const std::string second = finished_run(2);
    deliverer->finished(last_run_, {}, RunState::succeeded);
    wait_for_requests(2);
    deliverer->drain(milliseconds(20'000));
  }
  EXPECT_EQ(outbox(), 0u);
  ASSERT_EQ(server.requests().size(), 2u);
  const std::string asked = server.requests()[0];
  EXPECT_TRUE(asked.starts_with("POST /geheim/hook HTTP/1.1\r\n"));
  EXPECT_THAT(asked, HasSubstr("\r\nwebhook-id: " + id + "\r\n"));
  EXPECT_THAT(asked, HasSubstr("\r\nwebhook-signature: v1,"));
  EXPECT_THAT(asked, HasSubstr("\r\nX-Team: geheim\r\n"));
  EXPECT_TRUE(asked.ends_with(R"({"id":")" + id + "\"}"));
}

TEST_F(NoticeDelivererTest, TriesAgainAndGivesUp) {
  const ScriptedServer server([&](ScriptedPeer& peer) {
    peer.send(answer("500 Broken", "", ""));
    count_request();
  });
  step(1).url = server.url("/hook?token=geheim");
  const std::string id = finished_run(2);
  const auto deliverer = started();
  wait_for_requests(3);
  deliverer->drain(milliseconds(20'000));
  EXPECT_EQ(outbox(), 0u);
  EXPECT_EQ(server.requests().size(), 3u);
  const std::string shown = server.url("/hook?token=…");
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("warning notice " + id + " was not delivered: " +
                                             shown + " answers 500; ask its operator; next try"),
                                   HasSubstr("was not delivered"),
                                   HasSubstr("error notice " + id + " is given up after 3 tries")));
}

TEST_F(NoticeDelivererTest, WaitsAsLongAsItIsAsked) {
  const ScriptedServer server([&](ScriptedPeer& peer) {
    peer.send(answer("503 Later", "Retry-After: 3600\r\n", ""));
    count_request();
  });
  step(1).url = server.url("/");
  finished_run(2);
  const auto deliverer = started();
  wait_for_requests(1);
  deliverer->drain(milliseconds(20'000));
  EXPECT_EQ(server.requests().size(), 1u);
  const Timestamp now = clock_.now();
  const auto due = log_->next_notice_due(now);
  ASSERT_TRUE(due && *due);
  EXPECT_GT(**due, now + std::chrono::minutes(50));
}

TEST_F(NoticeDelivererTest, GoneIsGone) {
  const ScriptedServer server([](ScriptedPeer& peer) { peer.send(answer("410 Gone", "", "")); });
  step(1).url = server.url("/");
  finished_run(2);
  started()->drain(milliseconds(20'000));
  EXPECT_EQ(outbox(), 0u);
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("is given up after 1 tries")));
}

TEST_F(NoticeDelivererTest, AStepThatIsNoLongerThereIsGivenUp) {
  finished_run(1);  // a load by now
  started()->drain(milliseconds(20'000));
  EXPECT_EQ(outbox(), 0u);
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("the project no longer has its notify step")));
}

TEST_F(NoticeDelivererTest, AReceiverThatHangsHoldsUpNobodyElse) {
  const ScriptedServer hangs([&](ScriptedPeer& peer) { peer.wait_closed(); });
  const ScriptedServer good([&](ScriptedPeer& peer) {
    peer.send(answer("200 OK", "", ""));
    count_request();
  });
  step(1).url = hangs.url("/");
  step(2).url = good.url("/");
  const std::string stuck = finished_run(2);
  finished_run(2);
  for (int i = 0; i < 5; ++i) finished_run(3);
  const auto deliverer = started();
  wait_for_requests(5);
  deliverer->drain(milliseconds(0));  // does not wait for it
  EXPECT_LE(hangs.requests().size(), 1u) << "one at a time";
  const auto left = log_->due_notices(Timestamp::max(), 10);
  EXPECT_EQ(left->size(), 2u) << "and what was cut off is not counted as a try";
  EXPECT_EQ(left->front().tries, 0);
}

TEST_F(NoticeDelivererTest, ASecretThatIsMissingIsAFailedTry) {
  step(1).url = "http://127.0.0.1:9/";
  step(1).sign = "${secret:nobody}";
  step(1).retry.times = 0;
  finished_run(2);
  started()->drain(milliseconds(20'000));
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("there is no secret 'nobody'")));
}

}  // namespace
}  // namespace weir::scheduler
