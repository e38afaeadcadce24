# liblaunch.a: starting and asking the engine
