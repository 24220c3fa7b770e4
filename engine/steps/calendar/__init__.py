"""Steps that read, make and answer invitations (iCalendar), for any calendar."""
