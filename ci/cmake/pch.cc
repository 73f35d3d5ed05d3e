// Empty on purpose: carries the precompiled headers of LockstepOptions.cmake.
