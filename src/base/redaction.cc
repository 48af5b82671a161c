#include "base/redaction.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/secret_spelling.h"

namespace weir {
namespace {

constexpr size_t shortest_line_bytes = 16;

using Spellings = std::vector<std::shared_ptr<const SecretSpelling>>;

// Readers take a snapshot: texts are redacted far more often than secrets come in.
struct Kept {
  std::atomic<bool> any = false;
  std::mutex mutex;
  std::shared_ptr<const Spellings> spellings = std::make_shared<Spellings>();

  std::shared_ptr<const Spellings> snapshot() {
    const std::lock_guard lock(mutex);
    return spellings;
  }
};

// Never destroyed: threads may log while the process ends.
Kept& kept() {
  static Kept& instance = *new Kept;
  return instance;
}

void add(Spellings& spellings, std::string_view value) {
  const bool known = std::any_of(spellings.begin(), spellings.end(),
                                 [&](const auto& each) { return each->value() == value; });
  if (!known) spellings.push_back(std::make_shared<const SecretSpelling>(std::string(value)));
}

struct Found {
  size_t begin = 0;
  size_t end = 0;
};

/// The first place at or behind `from` where a secret stands; of several the longest.
Found find(const Spellings& spellings, std::string_view text, size_t from) {
  Found first{std::string_view::npos, std::string_view::npos};
  for (const auto& spelling : spellings) {
    const auto [begin, end] = spelling->find(text, from);
    if (begin < first.begin || (begin == first.begin && end > first.end)) first = {begin, end};
  }
  return first;
}

}  // namespace

void keep_secret(std::string_view value) {
  if (value.size() < shortest_redacted_bytes) return;
  Kept& all = kept();
  const std::lock_guard lock(all.mutex);
  auto grown = std::make_shared<Spellings>(*all.spellings);
  add(*grown, value);
  for (size_t begin = 0; begin < value.size();) {
    const size_t end = std::min(value.find('\n', begin), value.size());
    if (end - begin >= shortest_line_bytes) add(*grown, value.substr(begin, end - begin));
    begin = end + 1;
  }
  // The longest first: a value may hold another one.
  std::stable_sort(grown->begin(), grown->end(), [](const auto& left, const auto& right) {
    return left->value().size() > right->value().size();
  });
  all.spellings = std::move(grown);
  all.any.store(true, std::memory_order_release);
}

std::string redact(std::string text) {
  if (!kept().any.load(std::memory_order_acquire)) return text;
  const auto spellings = kept().snapshot();
  Found found = find(*spellings, text, 0);
  if (found.begin == std::string_view::npos) return text;
  std::string out;
  size_t done = 0;
  while (found.begin != std::string_view::npos) {
    out.append(text, done, found.begin - done);
    out += redacted_mark;
    done = found.end;
    found = find(*spellings, text, found.begin + 1);
    // Secrets that overlap leave one mark, and nothing of either.
    while (found.begin != std::string_view::npos && found.begin < done) {
      done = std::max(done, found.end);
      found = find(*spellings, text, found.begin + 1);
    }
  }
  out.append(text, done);
  return out;
}

bool holds_secret(std::string_view text) {
  if (!kept().any.load(std::memory_order_acquire)) return false;
  return find(*kept().snapshot(), text, 0).begin != std::string_view::npos;
}

}  // namespace weir
