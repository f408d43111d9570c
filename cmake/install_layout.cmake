# Where `cmake --install` puts things.
include(GNUInstallDirs)
install(TARGETS bulkhead RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
