# libcli.a and its tests
