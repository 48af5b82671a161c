#include "pipeline/notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/notice_request.h"
#include "text/json.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Timestamp now{std::chrono::milliseconds(1'795'200'000'123)};

class Notices : public testing::Test {
 protected:
  Notices() {
    project_.name = "p";
    Pipeline pipeline;
    pipeline.name = PipelineName("load");
    pipeline.steps = {LoadStep{}, NotifyStep{}, NotifyStep{}};
    project_.pipelines.push_back(pipeline);
    run_.id = RunId("01abc");
    run_.pipeline = PipelineName("load");
    receipt_.run = run_.id;
    receipt_.pipeline = run_.pipeline;
  }
  NotifyStep& step(size_t index) {
    return std::get<NotifyStep>(project_.pipelines[0].steps[index]);
  }
  std::vector<std::string> types(RunState state, uint64_t read = 0, uint64_t rejected = 0) {
    receipt_.status = state == RunState::parked ? RunState::failed : state;
    receipt_.rows.read = read;
    receipt_.rows.rejected = rejected;
    std::vector<std::string> out;
    for (const auto& notice : notices_for(project_, run_, receipt_, state, now)) {
      out.push_back(std::to_string(notice.step) + " " +
                    text::Json::parse(notice.body)->operator[]("type").as_string());
    }
    return out;
  }

  Project project_;
  weir::Run run_;
  Receipt receipt_;
};

TEST_F(Notices, TellTheGravestOfWhatAStepAsksFor) {
  step(1).on_success = step(1).on_failure = step(1).on_rejects = true;
  step(2).on_success = true;
  EXPECT_THAT(types(RunState::succeeded, 5), ElementsAre("2 run.success", "3 run.success"));
  EXPECT_THAT(types(RunState::partial, 5, 1), ElementsAre("2 run.rejects", "3 run.success"));
  EXPECT_THAT(types(RunState::failed, 5, 1), ElementsAre("2 run.failure"));
  EXPECT_THAT(types(RunState::parked), ElementsAre("2 run.failure"));
  EXPECT_THAT(types(RunState::skipped), IsEmpty());
}

TEST_F(Notices, RejectsAreCountedOrSharedOut) {
  step(1).on_rejects = step(2).on_rejects = true;
  step(1).rejects_over = 10;
  step(2).rejects_over_ratio = 0.05;
  EXPECT_THAT(types(RunState::partial, 100, 5), IsEmpty());
  EXPECT_THAT(types(RunState::partial, 100, 6), ElementsAre("3 run.rejects"));
  EXPECT_THAT(types(RunState::partial, 1000, 11), ElementsAre("2 run.rejects"));
  EXPECT_THAT(types(RunState::failed, 100, 100), ElementsAre("2 run.rejects", "3 run.rejects"));
}

TEST_F(Notices, AVerdictHasItsOwnId) {
  step(2).on_failure = true;
  receipt_.status = RunState::failed;
  const auto first = notices_for(project_, run_, receipt_, RunState::parked, now);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].id, "01abc.3.1795200000123");
  const auto again =
      notices_for(project_, run_, receipt_, RunState::parked, now + std::chrono::seconds(1));
  EXPECT_NE(again[0].id, first[0].id);
  EXPECT_EQ(notify_step(project_, first[0]), &step(2));
  auto other = first[0];
  for (const int index : {0, 1, 4, -1}) {
    other.step = index;
    EXPECT_EQ(notify_step(project_, other), nullptr) << index;
  }
}

TEST_F(Notices, ValuesStayInTheProject) {
  step(1).on_rejects = true;
  Reject reject;
  reject.element = 3;
  reject.line = 4;
  reject.raw = "geheim,raw";
  reject.problems = {{"name", "required", "geheim", "geheim is missing"}};
  receipt_.status = RunState::partial;
  receipt_.rows.rejected = 12;
  receipt_.rejects.assign(12, reject);
  const auto notices = notices_for(project_, run_, receipt_, RunState::partial, now);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_THAT(notices[0].body, Not(HasSubstr("geheim")));
  const auto body = *text::Json::parse(notices[0].body);
  const auto& rejects = body["receipt"]["rejects"].as_array();
  ASSERT_EQ(rejects.size(), 10u);
  EXPECT_EQ(rejects[0].to_string(), R"({"element":3,"line":4,"field":"name","rule":"required"})");
  EXPECT_EQ(body["receipt"]["rows"]["rejected"].as_int(), 12);
}

TEST(NoticeSignature, IsThatOfStandardWebhooks) {
  // The example of its specification.
  const auto signature =
      notice_signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                       1614265330, R"({"test": 2432232314})");
  ASSERT_TRUE(signature) << signature.error().to_string();
  EXPECT_EQ(*signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_FALSE(notice_signature("whsec_%", "a", 1, "b"));
  EXPECT_NE(*notice_signature("key", "a", 1, "b"), *notice_signature("kex", "a", 1, "b"));
}

}  // namespace
}  // namespace weir::pipeline
