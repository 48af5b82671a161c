#include "base/redaction.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

namespace weir {
namespace {

// What is kept stays kept while the process runs: every test has values of its own.

TEST(Redaction, LeavesTextsAloneThatHoldNoSecret) {
  keep_secret("nobody-writes-this-1");
  EXPECT_EQ(redact("a text"), "a text");
  EXPECT_EQ(redact(""), "");
  EXPECT_EQ(redact("nobody-writes-this-"), "nobody-writes-this-");
  EXPECT_FALSE(holds_secret("nobody-writes-this-"));
}

TEST(Redaction, FindsTheValueWhereverItStands) {
  keep_secret("hunter2-literal");
  EXPECT_EQ(redact("hunter2-literal"), "[secret]");
  EXPECT_EQ(redact("postgres://weir:hunter2-literal@db/x: refused"),
            "postgres://weir:[secret]@db/x: refused");
  EXPECT_EQ(redact("hunter2-literalhunter2-literal, hunter2-literal"),
            "[secret][secret], [secret]");
  EXPECT_TRUE(holds_secret("xhunter2-literalx"));
}

TEST(Redaction, ValuesOfThreeBytesWouldBeEverywhere) {
  keep_secret("abc");
  EXPECT_EQ(redact("abc abcabc"), "abc abcabc");
}

TEST(Redaction, FindsItEscapedForAnyOfTheUsualPlaces) {
  keep_secret("p@ss/w\"rd'&\\<é 💧+1%\n");
  const std::string shown[] = {
      // URLs
      "p%40ss%2Fw%22rd%27%26%5C%3C%C3%A9%20%F0%9F%92%A7%2B1%25%0A",
      "p%40ss%2fw%22rd%27%26%5c%3c%c3%a9+%f0%9f%92%a7%2b1%25%0a",
      "p%40ss/w%22rd'%26%5C%3C%C3%A9%20%F0%9F%92%A7+1%25%0A",
      // JSON, its escapes alone or all of them, and JSON within JSON
      "p@ss/w\\\"rd'&\\\\<é 💧+1%\\n",
      "p@ss\\/w\\\"rd\\u0027\\u0026\\\\\\u003c\\u00e9 \\ud83d\\udca7+1%\\u000a",
      "p@ss/w\\\\\\\"rd'&\\\\\\\\<é 💧+1%\\\\n",
      // SQL, CSV, HTML, a C string
      "p@ss/w\"rd''&\\<é 💧+1%\n",
      "p@ss/w\"\"rd'&\\<é 💧+1%\n",
      "p@ss/w&quot;rd&#39;&amp;\\&lt;é 💧+1%\n",
      "p@ss/w&#34;rd&#x27;&#38;\\&#x3C;&#233; 💧+1%&#10;",
      "p@ss/w\\x22rd\\x27&\\x5c<é 💧+1%\\x0a",
  };
  for (const std::string& text : shown) {
    EXPECT_EQ(redact("before " + text + " after"), "before [secret] after") << text;
  }
}

TEST(Redaction, FindsItInHexadecimal) {
  keep_secret("hex\x01\xfe");
  EXPECT_EQ(redact("'\\x68657801fe'"), "'\\x[secret]'");
  EXPECT_EQ(redact("68657801FE"), "[secret]");
}

std::string base64(std::string_view bytes, std::string_view last_two, bool padded) {
  const std::string letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + std::string(last_two);
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      if (j <= bytes.size() - i) {
        out += letters[group >> (18 - 6 * j) & 63];
      } else if (padded) {
        out += '=';
      }
    }
  }
  return out;
}

TEST(Redaction, FindsItInBase64WhateverStandsAroundIt) {
  std::mt19937 random(20261120);  // NOLINT: the same values every time
  for (int round = 0; round < 60; ++round) {
    std::string value;
    const size_t length = 6 + random() % 40;
    while (value.size() < length) value += static_cast<char>(random() % 256);
    keep_secret(value);
    for (const std::string before : {"", "u", "us", "user:", "weir:"}) {
      for (const std::string after : {"", "!", "!!", "@host"}) {
        for (const std::string_view last_two : {"+/", "-_"}) {
          const std::string encoded = base64(before + value + after, last_two, round % 2 == 0);
          const std::string shown = redact("Basic " + encoded + ".");
          ASSERT_NE(shown.find("[secret]"), std::string::npos) << round << ' ' << encoded;
          // Nothing is left but whole groups of what stood around it.
          EXPECT_LE(shown.size(),
                    7 + redacted_mark.size() + before.size() * 4 / 3 + after.size() * 4 / 3 + 4)
              << shown;
        }
      }
    }
  }
}

TEST(Redaction, FindsBase64ThatWasEscapedInItsTurn) {
  keep_secret("\xfb\xff\xfe\xfb\xff\xfe\xfb\xff\xbf");
  EXPECT_EQ(redact("auth=%2B%2F%2F%2B%2B%2F%2F%2B%2B%2F%2B%2F;"), "auth=[secret];");
  EXPECT_EQ(redact("\"+\\/\\/++\\/\\/++\\/+\\/\""), "\"[secret]\"");
}

TEST(Redaction, SecretsThatOverlapLeaveNothing) {
  keep_secret("overlap-one-two");
  keep_secret("one-two-three");
  keep_secret("two-");
  EXPECT_EQ(redact("(overlap-one-two-three)"), "([secret])");
  EXPECT_EQ(redact("(one-two-three two-)"), "([secret] [secret])");
}

TEST(Redaction, EachLongLineOfAValueIsASecret) {
  keep_secret("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nshort\n");
  EXPECT_EQ(redact("line 2: MIIEvQIBADANBgkqhkiG9w0B"), "line 2: [secret]");
  EXPECT_EQ(redact("a short line"), "a short line");
}

TEST(Redaction, ThreadsMayKeepAndRedactAtOnce) {
  std::atomic<bool> stop = false;
  std::atomic<size_t> wrong = 0;
  keep_secret("threads-0");
  std::thread reader([&] {
    while (!stop) wrong += redact("x threads-0 x") != "x [secret] x";
  });
  for (int i = 1; i < 200; ++i) {
    const std::string value = "threads-" + std::to_string(i) + "-end";
    keep_secret(value);
    EXPECT_EQ(redact(value), "[secret]");
  }
  stop = true;
  reader.join();
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace weir
