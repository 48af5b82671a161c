#include "text/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace weir::text {
namespace {

std::string reprint(std::string_view text) {
  const auto json = Json::parse(text);
  return json ? json->to_string() : "error: " + json.error().to_string();
}

TEST(Json, KeepsOrderKindsAndNumbers) {
  const char* text =
      R"({"z":1,"a":[true,false,null,-9223372036854775808,9223372036854775807],"d":0.1,"e":1.0,)"
      R"("f":1e+300,"s":"ñ\"\\\n\u0001","o":{}})";
  EXPECT_EQ(reprint(text), text);
  const Json json = Json::parse("[1, 1.0]").value();
  EXPECT_TRUE(json.as_array()[0].is_int());
  EXPECT_TRUE(json.as_array()[1].is_double());
}

TEST(Json, RefusesIntegersItWouldHaveToRound) {
  EXPECT_EQ(Json::parse("9223372036854775808").error().message,
            "not valid JSON: integer is beyond 64 bits");
  EXPECT_FALSE(Json::parse("[-9223372036854775809]"));
  EXPECT_FALSE(Json::parse("123456789012345678901234567890"));
  EXPECT_FALSE(Json::parse("1e999"));
  EXPECT_TRUE(Json::parse("12345678901234567890.0")) << "written as a double";
}

TEST(Json, ErrorsPointAtLineAndColumn) {
  const auto json = Json::parse("{\n  \"a\": 1,\n  \"b\": nul\n}");
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().code, ErrorCode::invalid_input);
  EXPECT_EQ(json.error().location.line, 3);
  EXPECT_GE(json.error().location.column, 8);
  EXPECT_FALSE(Json::parse(""));
  EXPECT_EQ(Json::parse("{\"a\":1").error().message, "not valid JSON: the document ends too early");
  EXPECT_EQ(Json::parse("{} x").error().message,
            "not valid JSON: there is more text behind the document");
}

TEST(Json, RefusesAMemberNamedTwice) {
  EXPECT_EQ(Json::parse(R"({"a":1,"b":2,"a":3})").error().message,
            "not valid JSON: member 'a' is there twice");
}

TEST(Json, BoundsNesting) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(Json::parse(nested(100)));
  EXPECT_EQ(Json::parse(nested(101)).error().message,
            "not valid JSON: more than 100 levels of nesting");
  EXPECT_FALSE(Json::parse(std::string(1'000'000, '[')));
}

TEST(Json, WritesValidUtf8WhateverTheStringsHold) {
  EXPECT_EQ(Json(std::string("a\xff\xc3z\xed\xa0\x80")).to_string(),
            "\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(Json(std::string("nul\0\x7f", 5)).to_string(), "\"nul\\u0000\\u007f\"");
  EXPECT_EQ(Json("\xf0\x9f\x98\x80").to_string(), "\"\xf0\x9f\x98\x80\"");
}

TEST(Json, DoublesStayDoublesAndComeBackEqual) {
  for (const double value : {0.1, 1.0, -0.0, 1e21, 5e-324, 1.7976931348623157e308, 2.0 / 3}) {
    const Json back = Json::parse(Json(value).to_string()).value();
    ASSERT_TRUE(back.is_double()) << value;
    EXPECT_EQ(back.as_double(), value);
  }
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).to_string(), "null");
}

TEST(Json, BuildsAndReadsDocuments) {
  Json json;
  json.set("a", 1).set("b", Json::array().push("x").push(Json())).set("a", 2);
  EXPECT_EQ(json.to_string(), R"({"a":2,"b":["x",null]})");
  EXPECT_EQ(json["a"].as_int(), 2);
  EXPECT_EQ(json["a"].as_double(), 2.0);
  EXPECT_EQ(json["b"].as_array().size(), 2u);
  EXPECT_TRUE(json["absent"]["deeper"].is_null());
  EXPECT_TRUE(json.has("b"));
  EXPECT_FALSE(json.has("c"));
  EXPECT_EQ(json["b"].as_int(7), 7);
  EXPECT_EQ(json["a"].as_string(), "");
}

TEST(Json, PrettyFormIndentsByTwo) {
  EXPECT_EQ(Json::parse(R"({"a":[1,{}],"b":[]})").value().to_pretty_string(),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
}

}  // namespace
}  // namespace weir::text
