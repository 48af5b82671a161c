#include "api/cors.h"

#include <gtest/gtest.h>

namespace weir::api {
namespace {

const std::string app = "https://app.example.org";

http::RequestHead question(std::string origin) {
  http::RequestHead head;
  head.method = "OPTIONS";
  head.headers = {{"origin", std::move(origin)}, {"access-control-request-method", "POST"}};
  return head;
}

std::string header(const http::Response& response, std::string_view name) {
  const std::string* value = http::find_header(response.headers, name);
  return value != nullptr ? *value : "(none)";
}

http::Response answer_to(const Cors& cors, const std::string* origin) {
  http::Response response;
  cors.allow(origin, response);
  return response;
}

TEST(CorsTest, WithoutOriginsNothingIsSaid) {
  const std::vector<std::string> none;
  const Cors cors(none);
  EXPECT_FALSE(cors.preflight(question(app), "POST"));
  EXPECT_TRUE(answer_to(cors, &app).headers.empty());
}

TEST(CorsTest, AQuestionIsAnswered) {
  const std::vector<std::string> origins = {"https://other.example", app};
  const Cors cors(origins);
  const auto answer = cors.preflight(question(app), "GET, HEAD");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204);
  EXPECT_EQ(header(*answer, "access-control-allow-methods"), "GET, HEAD");
  EXPECT_NE(header(*answer, "access-control-allow-headers").find("idempotency-key"),
            std::string::npos);
  EXPECT_EQ(header(*answer, "access-control-max-age"), "7200");
}

TEST(CorsTest, OnlyAQuestionOfAPageIsOne) {
  const std::vector<std::string> origins = {app};
  const Cors cors(origins);
  http::RequestHead head = question(app);
  head.method = "POST";
  EXPECT_FALSE(cors.preflight(head, "POST"));
  head = question(app);
  head.headers.pop_back();
  EXPECT_FALSE(cors.preflight(head, "POST"));
  head = question(app);
  head.headers.erase(head.headers.begin());
  EXPECT_FALSE(cors.preflight(head, "POST"));
}

TEST(CorsTest, OtherOriginsAreComparedByteByByteAndRefused) {
  const std::vector<std::string> origins = {app};
  const Cors cors(origins);
  for (const std::string origin :
       {"https://app.example.org.evil.example", "https://app.example.or", "http://app.example.org",
        "https://app.example.org:444", "https://APP.example.org", "null", ""}) {
    const auto answer = cors.preflight(question(origin), "POST");
    ASSERT_TRUE(answer) << origin;
    EXPECT_EQ(answer->status, 403) << origin;
    EXPECT_EQ(header(answer_to(cors, &origin), "access-control-allow-origin"), "(none)") << origin;
  }
}

TEST(CorsTest, TheAnswerNamesTheOriginAndVariesWithIt) {
  const std::vector<std::string> origins = {app, "http://localhost:5173"};
  const Cors cors(origins);
  const http::Response answer = answer_to(cors, &app);
  EXPECT_EQ(header(answer, "access-control-allow-origin"), app);
  EXPECT_EQ(header(answer, "vary"), "Origin");
  EXPECT_NE(header(answer, "access-control-expose-headers").find("retry-after"), std::string::npos);
  EXPECT_EQ(header(answer_to(cors, nullptr), "vary"), "Origin") << "a cache may keep this, too";
}

TEST(CorsTest, AllOriginsAreAllOriginsWithoutCredentials) {
  const std::vector<std::string> origins = {"*"};
  const Cors cors(origins);
  http::Response answer = answer_to(cors, &app);
  EXPECT_EQ(header(answer, "access-control-allow-origin"), "*");
  EXPECT_EQ(header(answer, "vary"), "(none)");
  for (const http::Response& each : {answer, *cors.preflight(question(app), "POST")}) {
    EXPECT_EQ(header(each, "access-control-allow-credentials"), "(none)");
  }
}

}  // namespace
}  // namespace weir::api
