"""The mesh itself: everything that needs the packages of the extra ``mesh``; imported only where the mesh is on."""
