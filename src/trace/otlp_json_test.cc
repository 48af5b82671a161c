#include "trace/otlp_json.h"

#include <gtest/gtest.h>

#include "base/redaction.h"
#include "text/json.h"

namespace weir::trace {
namespace {

using text::Json;

Span sample_span() {
  Span span;
  span.context = *parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  span.parent = SpanId{0, 1, 2, 3, 4, 5, 6, 7};
  span.name = "GET /docs";
  span.kind = SpanKind::server;
  span.begun = Time(std::chrono::microseconds(1'800'000'000'123'456));
  span.ended = span.begun + std::chrono::microseconds(1);
  span.attributes = {{"http.response.status_code", int64_t{200}},
                     {"http.route", "/docs"},
                     {"weir.share", 0.5},
                     {"weir.dry", true},
                     {"weir.steps", std::vector<std::string>{"read", "load"}}};
  return span;
}

/// As https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding has it.
TEST(OtlpJsonTest, SpellsASpan) {
  const std::vector<Attribute> resource = {{"service.name", "weir"}};
  const std::vector<Span> spans = {sample_span()};
  const std::string version = WEIR_VERSION;
  EXPECT_EQ(
      otlp_json(resource, spans),
      R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name",)"
      R"("value":{"stringValue":"weir"}}]},"scopeSpans":[{"scope":{"name":"weir","version":")" +
          version +
          R"("},"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c",)"
          R"("spanId":"b7ad6b7169203331","parentSpanId":"0001020304050607","flags":1,)"
          R"("name":"GET /docs","kind":2,"startTimeUnixNano":"1800000000123456000",)"
          R"("endTimeUnixNano":"1800000000123457000","attributes":[)"
          R"({"key":"http.response.status_code","value":{"intValue":"200"}},)"
          R"({"key":"http.route","value":{"stringValue":"/docs"}},)"
          R"({"key":"weir.share","value":{"doubleValue":0.5}},)"
          R"({"key":"weir.dry","value":{"boolValue":true}},)"
          R"({"key":"weir.steps","value":{"arrayValue":{"values":[{"stringValue":"read"},)"
          R"({"stringValue":"load"}]}}}]}]}]}]})");
}

TEST(OtlpJsonTest, LinksAndErrorsAreThereWhereTheyAre) {
  std::vector<Span> spans = {sample_span(), sample_span()};
  spans[1].parent.reset();
  spans[1].links = {spans[0].context};
  spans[1].error = "no";
  const auto json = Json::parse(otlp_json({}, spans));
  ASSERT_TRUE(json);
  const auto& all = (*json)["resourceSpans"].as_array()[0]["scopeSpans"].as_array()[0]["spans"];
  const Json& plain = all.as_array()[0];
  const Json& linked = all.as_array()[1];
  EXPECT_FALSE(plain.has("links"));
  EXPECT_FALSE(plain.has("status"));
  EXPECT_FALSE(linked.has("parentSpanId"));
  EXPECT_EQ(linked["links"].as_array()[0]["spanId"].as_string(), "b7ad6b7169203331");
  EXPECT_EQ(linked["status"]["code"].as_int(), 2);
  EXPECT_EQ(linked["status"]["message"].as_string(), "no");
}

TEST(OtlpJsonTest, SecretsAreLeftOut) {
  keep_secret("swordfish");
  Span span = sample_span();
  span.name = "GET /swordfish";
  span.attributes.push_back({"url.path", "/a/swordfish"});
  span.attributes.push_back({"weir.list", std::vector<std::string>{"swordfish"}});
  span.error = "cannot open swordfish";
  const std::vector<Span> spans = {span};
  const std::vector<Attribute> resource = {{"weir.project", "swordfish"}};
  EXPECT_EQ(otlp_json(resource, spans).find("swordfish"), std::string::npos);
}

}  // namespace
}  // namespace weir::trace
