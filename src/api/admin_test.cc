#include "api/admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "text/json.h"

namespace weir::api {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

/// A look that gives what the test wants, and can be held up.
class AdminTest : public ::testing::Test {
 protected:
  http::Response ask(const std::string& path, const std::string& method = "GET") {
    http::Request request;
    request.head.method = method;
    request.head.path = path;
    return admin.answer(request);
  }
  text::Json json_of(const http::Response& response) {
    return text::Json::parse(response.body).value();
  }
  void set(Vitals vitals) {
    const std::lock_guard lock(mutex);
    given = std::move(vitals);
  }

  std::mutex mutex;
  Vitals given{{}, {{"run log", true, ""}}};
  std::atomic<int> beats = 0;
  metrics::Metrics metrics{"1"};
  Pulse pulse{[this] {
                const std::lock_guard lock(mutex);
                return given;
              },
              [this](const Vitals& vitals) {
                metrics.set(vitals.levels);
                ++beats;
              },
              hours(1)};
  Admin admin{metrics, pulse};
};

TEST_F(AdminTest, KnowsItsRoutesAndMethods) {
  EXPECT_EQ(ask("/metrics").status, 200);
  EXPECT_EQ(ask("/metrics", "HEAD").status, 200);
  for (const char* path : {"/", "/metrics/", "/../metrics", "/%6detrics", "/favicon.ico"}) {
    const http::Response response = ask(path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(*http::find_header(response.headers, "content-type"), "application/problem+json");
    EXPECT_EQ(json_of(response)["title"].as_string(), "Not Found");
  }
  for (const char* method : {"POST", "DELETE", "TRACE", "get"}) {
    const http::Response response = ask("/readyz", method);
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(*http::find_header(response.headers, "allow"), "GET, HEAD");
  }
}

TEST_F(AdminTest, AScrapeShowsWhatIsTrueNow) {
  EXPECT_THAT(ask("/metrics").body, HasSubstr("weir_queued_runs 0\n"));
  Vitals busy;
  busy.levels.queued = 7;
  set(busy);
  pulse.latest(milliseconds(0), milliseconds(30'000));
  EXPECT_THAT(ask("/metrics").body, HasSubstr("weir_queued_runs 7\n"));
}

TEST_F(AdminTest, ManyScrapesAreOneLook) {
  pulse.latest(hours(1), hours(1));
  const int before = beats;
  for (int i = 0; i < 100; ++i) pulse.latest(hours(1), hours(1));
  EXPECT_EQ(beats, before);
}

TEST_F(AdminTest, ReadinessSaysWhatIsMissing) {
  http::Response response = ask("/readyz");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json_of(response)["status"].as_string(), "ready");
  set({{}, {{"run log", true, ""}, {"database warehouse", false, "held by pid 7"}}});
  pulse.latest(milliseconds(0), milliseconds(30'000));
  response = ask("/readyz");
  EXPECT_EQ(response.status, 503);
  const text::Json checks = json_of(response)["checks"];
  ASSERT_EQ(checks.as_array().size(), 2u);
  EXPECT_TRUE(checks.as_array()[0]["ready"].as_bool());
  EXPECT_EQ(checks.as_array()[1]["name"].as_string(), "database warehouse");
  EXPECT_EQ(checks.as_array()[1]["why"].as_string(), "held by pid 7");
}

TEST(PulseTest, ALookThatHangsIsSeenAndHoldsUpNobody) {
  std::promise<void> go;
  const std::shared_future<void> may_go = go.get_future().share();
  std::atomic<bool> hang = false;
  Pulse pulse(
      [&] {
        if (hang) may_go.wait();
        return Vitals{};
      },
      [](const Vitals&) {}, hours(1));
  ASSERT_TRUE(pulse.latest(hours(1), hours(1)));
  hang = true;
  EXPECT_TRUE(pulse.latest(milliseconds(0), milliseconds(1))) << "the old ones";
  while (pulse.looking_for() < milliseconds(20)) std::this_thread::yield();
  metrics::Metrics metrics("1");
  Admin admin(metrics, pulse);
  EXPECT_LT(pulse.looking_for(), Admin::longest_look);
  go.set_value();
}

}  // namespace
}  // namespace weir::api
