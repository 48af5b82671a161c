#pragma once

namespace faulty {

/// Whether it is a timer of the wall clock.
bool is_timer(int descriptor);
/// Whether the clock was set since it was armed: told once.
bool was_cancelled(int descriptor);
void forget_timer(int descriptor);

/// A thread that tells timers when the clock was moved. The page is there.
void start_clock_watch();

}  // namespace faulty
